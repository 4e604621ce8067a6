import { describe, expect, test } from 'vitest'
import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { RENEW_MS, Renewal, UNANSWERED_MS } from '../../../shared/core/tunnel/renewal.ts'
import type { Mixing } from '../../../shared/core/tunnel/security.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import type { Control } from '../../../shared/wire/tunnel.ts'

const filled = (byte: number) => new Uint8Array(32).fill(byte)
const TO = { words: new Uint32Array(5), socket: 0 }

/** One end of a tunnel: what it has received, and its packets on the way to the other end. */
class End {
  readonly packets: Packets
  readonly renewal: Renewal
  readonly received: number[] = []
  readonly out: Uint8Array[] = []
  /** Events that it told its application. */
  readonly told: (string | undefined)[] = []
  readonly inUse = { hasPath: true, streaming: false }
  readonly #knows: boolean

  constructor(send: number, receive: number, { knows = true, mixing = 'not-there' as Mixing } = {}) {
    const keys = { send: filled(send), receive: filled(receive) }
    this.#knows = knows
    this.packets = new Packets(keys)
    const random = new Random(filled(send + 40))
    this.renewal = new Renewal(this.packets, random, this.inUse, {
      put: (effect) => this.told.push(effect.kind === 'security' ? effect.security.reason : effect.kind),
    })
    this.renewal.agree(keys, mixing, 0)
  }

  data(value: number, now: number): void {
    const batch = new Batch(1)
    this.packets.sendData(batch, TO, Uint8Array.of(value >> 8, value), now)
    this.out.push(batch.at(0).slice())
  }

  tick(now: number): void {
    if (this.#knows) this.renewal.tick((control) => this.#say(control, now), now)
  }

  /** False if the packet does not open. */
  take(bytes: Uint8Array, now: number): boolean {
    const batch = new Batch(1)
    batch.push(bytes.slice(), TO.words)
    if (!this.packets.open(batch, 0)) return false
    const { bodyAt, bodyLength } = this.packets
    if ((bytes[0]! & 7) === 0) this.received.push((batch.bytes[bodyAt]! << 8) | batch.bytes[bodyAt + 1]!)
    else
      for (const control of bodyLength > 0 ? this.packets.controls(batch) : [])
        if (this.#knows && (control.kind === 'rekey' || control.kind === 'rekeyed'))
          this.renewal.take(control, (said) => this.#say(said, now), now)
    this.tick(now)
    return true
  }

  #say(control: Control, now: number): boolean {
    const batch = new Batch(1)
    this.packets.sendControl(batch, TO, control, now)
    this.out.push(batch.at(0).slice())
    return true
  }
}

interface Course {
  readonly loss: number
  readonly reorder: number
  readonly minutes: number
  readonly seed: number
}

/** Both ends send a datagram every 500 ms, which takes 20 to 20 + `reorder` ms. Returns what arrived at each of them. */
function run([one, other]: readonly [End, End], { loss, reorder, minutes, seed }: Course): number[] {
  const dice = new Random(filled(seed))
  const ways: { at: number; to: End; bytes: Uint8Array }[] = []
  let lost = 0
  for (let now = 0; now <= minutes * 60_000; now += 50) {
    for (const [from, to] of [[one, other] as const, [other, one] as const]) {
      if (now % 500 === 0) from.data(now / 500, now)
      from.tick(now)
      for (const bytes of from.out.splice(0)) {
        if (dice.float() < loss) lost += (bytes[0]! & 7) === 0 ? 1 : 0
        else ways.push({ at: now + 20 + dice.below(reorder + 1), to, bytes })
      }
    }
    for (const due of ways.filter(({ at }) => at <= now)) expect(due.to.take(due.bytes, now)).toBe(true)
    ways.splice(0, ways.length, ...ways.filter(({ at }) => at > now))
  }
  return [lost, ways.filter(({ bytes }) => (bytes[0]! & 7) === 0).length]
}

const ends = (mixing: Mixing = 'not-there'): [End, End] => [
  new End(1, 2, { mixing }),
  new End(2, 1, { mixing }),
]

/** Lets everything that is on its way arrive. */
function exchange([one, other]: readonly [End, End], now: number): void {
  one.tick(now)
  other.tick(now)
  for (let turn = 0; turn < 8; turn++) {
    for (const bytes of one.out.splice(0)) other.take(bytes, now)
    for (const bytes of other.out.splice(0)) one.take(bytes, now)
  }
}

describe('the keys of a tunnel in use', () => {
  test('are renewed every two minutes, and no datagram is lost or doubled by it', () => {
    const both = ends()
    const [, left] = run(both, { loss: 0, reorder: 0, minutes: 9, seed: 1 })
    expect(both.map(({ renewal }) => renewal.renewals)).toEqual([4, 4])
    const count = both[0].received.length + both[1].received.length
    expect(count + left!).toBe(2 * (9 * 120 + 1))
    for (const { received } of both) expect(new Set(received).size).toBe(received.length)
  })

  test.each([
    2, 3, 4,
  ])('are renewed while a fifth of all packets is lost and others overtake (seed %i)', (seed) => {
    const both = ends()
    const [lost, left] = run(both, { loss: 0.2, reorder: 400, minutes: 9, seed })
    expect(both[0].renewal.renewals).toBeGreaterThanOrEqual(4)
    const count = both[0].received.length + both[1].received.length
    expect(count + lost! + left!).toBe(2 * (9 * 120 + 1))
    for (const { received } of both) expect(new Set(received).size).toBe(received.length)
  })

  test('stay as they are if the other side does not know how to renew them', () => {
    const both: [End, End] = [new End(1, 2), new End(2, 1, { knows: false })]
    const [lost, left] = run(both, { loss: 0, reorder: 0, minutes: 9, seed: 5 })
    expect(both[0].renewal.renewals).toBe(0)
    expect(both[0].received.length + both[1].received.length + lost! + left!).toBe(2 * (9 * 120 + 1))
  })

  test('are renewed by one side alone, however much the other one has sent', () => {
    const [, other] = ends()
    other.data(1, 0)
    other.tick(RENEW_MS * 3)
    expect(other.out).toHaveLength(1)
  })

  test('that are old open nothing after half a minute, and those of an idle tunnel are not renewed', () => {
    const [one, other] = ends()
    one.data(1, 0)
    const early = one.out.splice(0)[0]!
    const settle = (now: number) => {
      one.tick(now)
      for (let turn = 0; turn < 4; turn++) {
        for (const bytes of one.out.splice(0)) other.take(bytes, now)
        for (const bytes of other.out.splice(0)) one.take(bytes, now)
      }
    }
    settle(RENEW_MS)
    expect(other.renewal.renewals).toBe(1)
    expect(one.renewal.deadline()).toBe(RENEW_MS + 30_000)
    other.tick(RENEW_MS + 30_000)
    expect(other.take(early, RENEW_MS + 30_000)).toBe(false)
    settle(RENEW_MS * 9)
    expect(one.renewal.renewals).toBe(1)
    expect(one.renewal.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  test('do not hide which packet is the newest, before and after the other side has the new ones', () => {
    const [one, other] = ends()
    one.data(1, 0)
    one.tick(RENEW_MS)
    for (const bytes of one.out.splice(0)) other.take(bytes, RENEW_MS)
    for (const bytes of other.out.splice(0)) one.take(bytes, RENEW_MS)
    expect([one.renewal.renewals, one.packets.settled]).toEqual([1, false])
    other.data(2, RENEW_MS)
    other.data(3, RENEW_MS)
    const [second, third] = other.out.splice(0) as [Uint8Array, Uint8Array]
    one.take(third, RENEW_MS)
    expect(one.packets.newest).toBe(true)
    one.take(second, RENEW_MS)
    expect(one.packets.newest).toBe(false)
    other.data(4, RENEW_MS)
    const late = other.out.splice(0)[0]!
    for (const bytes of one.out.splice(0)) other.take(bytes, RENEW_MS)
    other.data(5, RENEW_MS)
    for (const bytes of other.out.splice(0)) one.take(bytes, RENEW_MS)
    expect(one.packets.newest).toBe(true)
    one.take(late, RENEW_MS)
    expect(one.packets.newest).toBe(false)
    expect(one.received).toEqual([3, 2, 5, 4])
  })

  test('that are replayed, old or new, open nothing twice', () => {
    const [one, other] = ends()
    one.data(1, 0)
    const packets: Uint8Array[] = []
    for (let now = 0; now <= RENEW_MS * 2 + 5000; now += 5000) {
      one.tick(now)
      one.data(now / 5000, now)
      for (const bytes of one.out.splice(0)) {
        packets.push(bytes)
        other.take(bytes, now)
      }
      for (const bytes of other.out.splice(0)) one.take(bytes, now)
      expect(packets.filter((bytes) => other.take(bytes, now))).toEqual([])
    }
    expect(other.renewal.renewals).toBe(2)
  })

  test('are not changed by an exchange out of turn, or with a key that agrees on nothing', () => {
    const [, other] = ends()
    const answers: Control[] = []
    const say = (control: Control) => void answers.push(control)
    for (const number of [0, 2, 7]) other.renewal.take({ kind: 'rekey', number, key: filled(9) }, say, 0)
    other.renewal.take({ kind: 'rekey', number: 1, key: filled(0) }, say, 0)
    other.renewal.take({ kind: 'rekeyed', number: 1, key: filled(9) }, say, 0)
    expect([answers.length, other.renewal.renewals]).toEqual([0, 0])
  })
})

test('the keys of streams alone are renewed too', () => {
  const both = ends()
  both[0].inUse.streaming = true
  exchange(both, RENEW_MS)
  expect(both.map(({ renewal }) => renewal.renewals)).toEqual([1, 1])
})

describe('a tunnel of two sides with ML-KEM', () => {
  test('is hybrid after one round trip, in packets that a path of 1,000 bytes carries', () => {
    const both = ends('agreed')
    const [one, other] = both
    expect(one.renewal.security).toEqual({
      handshake: 'noise-ik',
      hybrid: false,
      reason: 'pending',
      renewals: 0,
    })
    one.tick(0)
    const question = one.out.splice(0)
    expect(question.map(({ length }) => length <= 1000)).toEqual([true, true])
    for (const bytes of question) other.take(bytes, 20)
    expect(other.out.map(({ length }) => length <= 1000)).toEqual([true, true])
    for (const bytes of other.out.splice(0)) one.take(bytes, 40)
    expect(one.renewal.security).toEqual({ handshake: 'noise-ik', hybrid: true, renewals: 1 })
    expect([one.told, other.told]).toEqual([[undefined], []])
    for (const bytes of one.out.splice(0)) other.take(bytes, 60)
    expect(other.renewal.security.hybrid).toBe(true)
    expect([one.told, other.told]).toEqual([[undefined], [undefined]])
  })

  test('carries data before, while and after it becomes hybrid', () => {
    const both = ends('agreed')
    const [, left] = run(both, { loss: 0, reorder: 0, minutes: 3, seed: 1 })
    expect(both[0].received[0]).toBe(0)
    expect(both[0].received.length + both[1].received.length + left!).toBe(2 * (3 * 120 + 1))
    expect(both.map(({ renewal }) => renewal.security)).toEqual(
      Array(2).fill({ handshake: 'noise-ik', hybrid: true, renewals: 2 }),
    )
  })

  test.each([
    6, 7, 8, 9,
  ])('becomes hybrid while a third of all packets is lost and others overtake (seed %i)', (seed) => {
    const both = ends('agreed')
    const [lost, left] = run(both, { loss: 0.33, reorder: 400, minutes: 2, seed })
    expect(both.map(({ renewal }) => renewal.security.hybrid)).toEqual([true, true])
    const count = both[0].received.length + both[1].received.length
    expect(count + lost! + left!).toBe(2 * (2 * 120 + 1))
  })

  test('repeats only the half that was not answered', () => {
    const both = ends('agreed')
    const [one, other] = both
    one.tick(0)
    for (const bytes of one.out.splice(0)) other.take(bytes, 0)
    one.take(other.out.splice(0)[1]!, 0)
    expect(one.renewal.renewals).toBe(0)
    one.tick(500)
    expect(one.out).toHaveLength(1)
    exchange(both, 500)
    expect(both.map(({ renewal }) => renewal.security.hybrid)).toEqual([true, true])
  })

  test('waits for a path, and says so if the exchange is withheld for 10 s from then on', () => {
    const both = ends('agreed')
    const [one, other] = both
    for (const end of both) end.inUse.hasPath = false
    exchange(both, 0)
    expect(one.renewal.deadline()).toBe(Number.POSITIVE_INFINITY)
    for (const end of both) end.inUse.hasPath = true
    for (let now = 60_000; now < 60_000 + UNANSWERED_MS; now += 500) {
      one.tick(now)
      other.tick(now)
      one.out.splice(0)
    }
    expect([one.told, other.told]).toEqual([[], []])
    const late = 60_000 + UNANSWERED_MS
    one.tick(late)
    other.tick(late)
    one.out.splice(0)
    expect([one.told, other.told]).toEqual([['unanswered'], ['unanswered']])
    expect(other.renewal.security).toMatchObject({ hybrid: false, reason: 'unanswered' })
    exchange(both, late + 10_000)
    expect([one.told, other.told]).toEqual([
      ['unanswered', undefined],
      ['unanswered', undefined],
    ])
  })

  test('is not made to forget it by an exchange without ML-KEM, or with a part that is none', () => {
    const other = new End(2, 1, { mixing: 'agreed' })
    const answers: Control[] = []
    const say = (control: Control) => void answers.push(control)
    const ask = (half?: { part: 0 | 1; bytes: Uint8Array }) =>
      other.renewal.take({ kind: 'rekey', number: 1, key: filled(9), ...(half && { half }) }, say, 0)
    ask()
    ask({ part: 0, bytes: new Uint8Array(591) })
    ask({ part: 0, bytes: new Uint8Array(592).fill(255) })
    ask({ part: 1, bytes: new Uint8Array(592).fill(255) })
    expect([answers.length, other.renewal.security.reason]).toEqual([0, 'pending'])

    const one = new End(1, 2, { mixing: 'agreed' })
    one.renewal.tick(say, 0)
    answers.length = 0
    one.renewal.take({ kind: 'rekeyed', number: 1, key: filled(9) }, say, 0)
    for (const part of [0, 1] as const)
      one.renewal.take(
        { kind: 'rekeyed', number: 1, key: filled(9), half: { part, bytes: new Uint8Array(543) } },
        say,
        0,
      )
    expect([answers.length, one.renewal.renewals]).toEqual([0, 0])
  })
})

test('a tunnel with a side without ML-KEM says which side it is', () => {
  for (const mixing of ['not-here', 'not-there'] as const) {
    const both = ends(mixing)
    exchange(both, 0)
    exchange(both, 60_000)
    expect(both[0].renewal.security).toEqual({
      handshake: 'noise-ik',
      hybrid: false,
      reason: mixing,
      renewals: 0,
    })
    expect(both[0].told).toEqual([])
  }
})
