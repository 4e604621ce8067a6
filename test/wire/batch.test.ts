import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ADDRESS_WORDS, addressOf } from '../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'

const { words } = addressOf('192.0.2.1', 9)!

test('what is pushed comes back in order, however often the batch grows', () => {
  const datagram = fc.record({
    bytes: fc.uint8Array({ maxLength: SLOT_BYTES }),
    port: fc.nat({ max: 0xffff }),
    socket: fc.nat({ max: 255 }),
    ttl: fc.nat({ max: 255 }),
  })
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 20 }), (datagrams) => {
      const batch = new Batch(1)
      for (const { bytes, port, socket, ttl } of datagrams) {
        batch.push(bytes, addressOf('2001:db8::1', port)!.words, 0, socket, ttl)
      }
      const back = datagrams.map((_, i) => ({
        bytes: batch.at(i),
        port: batch.addressOf(i).words[4],
        socket: batch.socket[i],
        ttl: batch.ttl[i],
      }))
      expect(batch.count).toBe(datagrams.length)
      expect(back).toEqual(datagrams)
    }),
    { numRuns: 50 },
  )
})

test('a claimed slot is empty until its length is set, and its bytes are written in place', () => {
  const batch = new Batch(1)
  batch.push(Uint8Array.of(1, 2, 3), words)
  batch.clear()
  const slot = batch.claim(words, 0, 1)
  expect([slot, batch.at(slot).length]).toEqual([0, 0])
  batch.view.setUint16(batch.start(slot), 0x0102)
  batch.length[slot] = 2
  expect([...batch.at(slot)]).toEqual([1, 2])
})

test('an address is copied from the middle of other words', () => {
  const batch = new Batch()
  batch.push(Uint8Array.of(0), Uint32Array.of(7, ...words), 1)
  batch.push(Uint8Array.of(0), batch.address, 0 * ADDRESS_WORDS)
  expect(batch.addressOf(1)).toEqual({ words })
})
