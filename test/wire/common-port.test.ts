import { expect, test } from 'vitest'
import { NOWHERE } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { isFromRelay, serviceOf } from '../../shared/wire/common-port.ts'

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

function service(hex: string) {
  const batch = new Batch(1)
  batch.push(bytesOf(hex), NOWHERE.words)
  return serviceOf(batch, 0)
}

test.each([
  ['STUN', '000100002112a442', 'stun'],
  ['SIGN_IN', '510100000000', 'checkpoint'],
  ['KEEP_ALIVE', '510680000000', 'checkpoint'],
  ['SEALED of a CHECKPOINT', '51057fffffff', 'checkpoint'],
  ['SEALED of a HANDSHAKE', '510580000000', 'handshake'],
  ['JOIN', '511000000000', 'handshake'],
  ['RELAY control', '51405357524c5931', 'relay'],
  ['a tunnel packet', '6000000001', 'relay'],
  ['a packet of a stream', 'ff0100', 'relay'],
  ['a node', '512000000000', undefined],
  ['a STUN server to its partner', '513000000000', 'stun'],
])('%s finds its service at a common port', (_, hex, expected) => {
  expect(service(hex)).toBe(expected)
})

test.each([
  ['51405357524c593107', true],
  ['60000000', true],
  ['ff', true],
  ['511100000000', false],
  ['510500000000', false],
  ['010100002112a442', false],
])('%s of a node is from its relay: %s', (hex, expected) => {
  expect(isFromRelay(bytesOf(hex))).toBe(expected)
})
