import { expect, test } from 'vitest'
import { addressesOf } from '../../udp-edge/node-addresses.ts'

const located = {
  checkpoint: { address: '192.0.2.1:3480' },
  handshake: { address: '192.0.2.1:3481' },
  stun: { addresses: ['192.0.2.1:3478', '192.0.2.1:3479'] },
}

test('services are told of at the address that the world sees', () => {
  expect(addressesOf({ relay: { address: '192.0.2.1:3482' } }, undefined)).toEqual({
    relay: ['192.0.2.1:3482'],
  })
})

test('and with IPv6 at that one too, by the same port; STUN over IPv4 alone', () => {
  expect(addressesOf(located, '2001:db8::1')).toEqual({
    checkpoint: ['192.0.2.1:3480', '[2001:db8::1]:3480'],
    handshake: ['192.0.2.1:3481', '[2001:db8::1]:3481'],
    stun: ['192.0.2.1:3478', '192.0.2.1:3479'],
  })
})
