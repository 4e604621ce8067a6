import { expect, test } from 'vitest'
import { Lifetime } from '../../../shared/core/peer/lifetime.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { STUN_TYPE } from '../../../shared/wire/stun.ts'
import { StunWriter } from '../../../shared/wire/stun-writer.ts'

const server = parseAddress('192.0.2.1:3478')!
const mapped = parseAddress('203.0.113.5:40000')!

/**
 * Measures a NAT that drops a mapping after `keepsMs`, with a STUN server that supports RESPONSE-PORT. `isLost` decides by
 * the number of a datagram.
 */
function measure(keepsMs: number, isLost: (datagram: number) => boolean = () => false) {
  const machine = new Lifetime(server, new Random(new Uint8Array(32).fill(1)))
  const out = new Batch()
  let now = 0
  let usedAt = Number.NEGATIVE_INFINITY
  let datagrams = 0
  const survived: number[] = []
  machine.tick(out, now)
  for (let result = machine.poll(); ; result = machine.poll()) {
    if (result?.kind === 'survived') survived.push(result.lifetimeMs)
    if (result?.kind === 'measured')
      return { lifetimeMs: result.lifetimeMs, survived, datagrams, tookMs: now }
    const answers = new Batch()
    for (let i = 0; i < out.count; i++) {
      datagrams++
      const isProbe = out.socket[i] === 1
      if (!isProbe) usedAt = now
      const isReachable = !isProbe || now - usedAt < keepsMs
      if (isReachable && !isLost(datagrams)) answer(answers, out.at(i).slice(8, 20))
    }
    out.clear()
    if (answers.count > 0) machine.receive(answers, out, now)
    else {
      now = machine.deadline()
      machine.tick(out, now)
    }
  }
}

function answer(batch: Batch, transaction: Uint8Array): void {
  const slot = batch.claim(server.words, 0, 0)
  const writer = new StunWriter().begin(batch, slot, STUN_TYPE.success, transaction, 0)
  writer.xorMappedAddress(mapped.words, 0)
  writer.end(false)
}

test.each([
  5, 8, 20, 30, 65, 120, 180,
])('a NAT that keeps mappings %d s is measured to within a tenth, from below', (seconds) => {
  const { lifetimeMs } = measure(seconds * 1000)
  expect(lifetimeMs).toBeLessThan(seconds * 1000)
  expect(lifetimeMs).toBeGreaterThan(seconds * 1000 * 0.89)
})

test('the search ends at 300 s', () => {
  expect(measure(3_600_000).lifetimeMs).toBe(300_000)
})

test('what was survived is told at once, beginning with four seconds', () => {
  expect(measure(30_000).survived.slice(0, 3)).toEqual([4000, 8000, 16_000])
  expect(measure(8000).survived.every((ms) => ms < 8000)).toBe(true)
})

test('a NAT that forgets within 4 s, or a server that is not there, gives no answer', () => {
  expect(measure(3000).lifetimeMs).toBeUndefined()
  expect(measure(0, () => true).lifetimeMs).toBeUndefined()
})

test('three losses in four cost a little precision and never name too long a time', () => {
  const { lifetimeMs } = measure(65_000, (datagram) => datagram % 4 !== 0)
  expect(lifetimeMs).toBeLessThan(65_000)
  expect(lifetimeMs).toBeGreaterThan(55_000)
})

test('it asks little: some dozens of datagrams', () => {
  expect(measure(120_000).datagrams).toBeLessThan(60)
})
