import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Unproven } from '../../../shared/core/tunnel/unproven.ts'
import { addressOf } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'

const THERE = { words: addressOf('192.0.2.9', 4002)!.words, socket: 3 }

/** Returns a packet of `length` bytes that begins with its number. */
function packet(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(number)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

function keep(unproven: Unproven, bytes: Uint8Array, now: number, isSpared = false): void {
  const out = new Batch(1)
  out.push(bytes, THERE.words)
  unproven.keep(out, 0, now, isSpared)
}

function sent(by: (out: Batch) => void): Uint8Array[] {
  const out = new Batch(1)
  by(out)
  return Array.from({ length: out.count }, (_, i) => out.at(i).slice())
}

const sentAgain = (unproven: Unproven) => sent((out) => unproven.sendTo(THERE, out))

test('what left after the last proof leaves again, in order, to the address and by the socket that are named', () => {
  const unproven = new Unproven()
  for (const at of [10, 20, 30, 40]) keep(unproven, packet(at, 50), at)
  unproven.proven(30)
  const out = new Batch(1)
  unproven.sendTo(THERE, out)
  expect([out.at(0), out.at(1)]).toEqual([packet(30, 50), packet(40, 50)])
  expect([out.addressOf(1), out.socket[1]]).toEqual([{ words: THERE.words }, 3])
  expect(sentAgain(unproven)).toEqual([])
})

test('each leaves over the spare path once, and all of them leave again when another path takes over', () => {
  const unproven = new Unproven()
  keep(unproven, packet(1, 50), 10)
  keep(unproven, packet(2, 50), 20, true)
  const spared = () => sent((out) => unproven.spareTo(THERE, out))
  expect(spared()).toEqual([packet(1, 50)])
  keep(unproven, packet(3, 50), 30)
  expect(spared()).toEqual([packet(3, 50)])
  expect(spared()).toEqual([])
  expect(sentAgain(unproven)).toEqual([packet(1, 50), packet(2, 50), packet(3, 50)])
})

test('of very many it keeps the newest, whole, whatever their lengths', () => {
  const lengths = fc.array(fc.integer({ min: 4, max: 1200 }), { minLength: 1, maxLength: 600 })
  fc.assert(
    fc.property(lengths, fc.nat(600), (all, provenAt) => {
      const unproven = new Unproven()
      const packets = all.map((length, i) => packet(i, length))
      for (const [i, bytes] of packets.entries()) {
        keep(unproven, bytes, i)
        if (i === provenAt) unproven.proven(i)
      }
      const again = sentAgain(unproven)
      const from = packets.length - again.length
      expect(again).toEqual(packets.slice(from))
      const since = packets.slice(Math.min(provenAt, packets.length))
      const bytes = packets.slice(Math.max(from - 1, 0)).reduce((sum, { length }) => sum + length, 0)
      if (again.length < since.length) expect(bytes).toBeGreaterThan(128 * 1024 - 2400)
    }),
    { numRuns: 200, seed: 1 },
  )
})

test('an idle tunnel has no memory for packets, and a quiet one little', () => {
  const unproven = new Unproven()
  for (let now = 0; now < 1000; now++) {
    keep(unproven, packet(now, 100), now)
    unproven.proven(now - 5)
    expect(unproven.memory).toBeLessThanOrEqual(128 * 1024)
  }
  unproven.proven(1000)
  expect(unproven.memory).toBe(0)
  keep(unproven, packet(1, 100), 1001)
  expect(unproven.memory).toBe(4096)
})
