import { beforeEach, describe, expect, test } from 'vitest'
import { UNPROVEN_CREDIT } from '../../../shared/core/tunnel/path.ts'
import { type Control, MIN_PROBE_BODY, SMALL_PROBE_BYTES } from '../../../shared/wire/tunnel.ts'
import { address, B, FULL_PROBE, OtherSide, probe, RELAY } from './other-side.ts'

let other: OtherSide
beforeEach(() => {
  other = new OtherSide()
})

describe('a direct path', () => {
  test('is taken after a small and a full-sized probe have come back', () => {
    const { targets, choice, book } = other.paths
    targets.probe(B.words, 0, 4, other.out, 0)
    expect(other.out.ttl[0]).toBe(4)
    other.answer(B)
    expect(choice.active).toBeUndefined()
    expect(book.direct?.state).toBe('open')
    other.answer(B)
    expect(choice.active?.state).toBe('fit')
  })

  test('is not taken for an answer from elsewhere, or one that is shorter than the probe', () => {
    const { targets, book } = other.paths
    targets.probe(B.words, 0, 0, other.out, 0)
    other.answer(B, address('198.51.100.2:40001'))
    expect(book.direct).toBeUndefined()
    targets.probe(B.words, 0, 0, other.out, 0)
    other.answer(B)
    for (const { controls } of other.sent()) {
      for (const it of controls)
        if (it.kind === 'probe')
          other.say(B, { kind: 'probeAck', id: it.id, observed: B, bodyBytes: MIN_PROBE_BODY })
    }
    expect(book.direct?.state).toBe('open')
  })

  test('is announced as soon as it is taken', () => {
    other.reach(B)
    expect(other.sent().at(-1)!.controls).toMatchObject([{ kind: 'probe', here: true }])
  })

  test('that works is probed immediately when an address of a side has changed', () => {
    other.reach(B)
    other.answer(B)
    other.paths.prover.doubt(other.out, other.now)
    expect(other.paths.choice.suspect(other.now)).toBe(true)
    other.answer(B)
    expect(other.paths.choice.suspect(other.now)).toBe(false)
  })
})

describe('a relay', () => {
  test('carries data as soon as both legs are bound, until it is released', () => {
    other.bind(RELAY)
    expect(other.paths.choice.active?.kind).toBe('relayed')
    other.paths.prover.dismiss(other.paths.choice.active!, other.out, other.now)
    expect(other.paths.choice.active).toBeUndefined()
  })

  test('that fell silent before is probed first', () => {
    const { book, prover, choice } = other.paths
    other.bind(RELAY)
    other.pass(20_000)
    expect(choice.active).toBeUndefined()
    other.sent()
    prover.admit(book.find(RELAY.words, 0, 0)!, other.out, other.now)
    expect(choice.active).toBeUndefined()
    other.answer(RELAY)
    expect(choice.active?.kind).toBe('relayed')
  })
})

describe('an address that has proven nothing', () => {
  test('gets no more bytes for a packet than came from there, at first', () => {
    other.say(B, probe())
    const sent = other.pass(0).sent()
    expect(sent.map(({ bytes }) => bytes)).toEqual([SMALL_PROBE_BYTES, SMALL_PROBE_BYTES])
  })

  test('that asks in full size is answered and asked back in one packet of that size', () => {
    other.say(B, FULL_PROBE)
    const sent = other.pass(0).sent()
    expect(sent).toMatchObject([{ bytes: 1200, controls: [{ kind: 'probeBack', answers: 1n, observed: B }] }])
    const [back] = sent[0]!.controls
    const { id, bodyBytes } = back as Extract<Control, { kind: 'probeBack' }>
    other.say(B, { kind: 'probeAck', id, observed: B, bodyBytes })
    expect(other.paths.choice.active?.state).toBe('fit')
    other.sent()
    other.say(B, { ...FULL_PROBE, id: 2n })
    expect(other.sent()).toMatchObject([{ bytes: 1200, controls: [{ kind: 'probeAck', id: 2n }] }])
  })

  test('gets a bounded number of packets, whatever a bad other side sends in its name', () => {
    let packets = 0
    for (let i = 0; i < 1000; i++) {
      other.say(B, probe(BigInt(i)))
      other.pass(100)
      packets += other.sent().length
    }
    expect(packets).toBe(UNPROVEN_CREDIT)
    expect(other.paths.probes.counters.withheld).toBeGreaterThan(900)
  })

  test('and there are few such addresses at a time', () => {
    let packets = 0
    for (let i = 0; i < 5000; i++) {
      other.say(address(`198.51.${i >> 8}.${i & 255}:9`), probe(BigInt(i)))
      packets += other.sent().length
    }
    expect(packets).toBeLessThanOrEqual(2 * 32)
  })
})
