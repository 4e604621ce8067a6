/** The sign-in gate under floods: who gets in with a valid cookie, and how many handshakes that costs the node. */
import { expect, test } from 'vitest'
import { noCounters } from '../../../shared/core/checkpoint/counters.ts'
import { COOKIES_ABOVE, Gate } from '../../../shared/core/checkpoint/gate.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type Address, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { decodeCookie } from '../../../shared/wire/sign-in.ts'

const NO_COOKIE = new Uint8Array(16)
const NOISE = new Uint8Array(150)

/** A gate, the cookies that it issued, and the handshakes that it let through. */
class Door {
  readonly counters = noCounters()
  readonly #gate = new Gate(new Random(new Uint8Array(32).fill(1)), this.counters, COOKIES_ABOVE)
  readonly #out = new Batch()
  handshakes = 0

  /** Sends a sign-in. Returns `in`, the cookie that it gets, or undefined if it is dropped. */
  knock(from: Address, index: number, cookie: Uint8Array, now: number): 'in' | Uint8Array | undefined {
    const arrived = new Batch(1)
    arrived.push(NOISE, from.words)
    this.#out.clear()
    const lets = this.#gate.lets({ index, cookie, noise: NOISE }, { arrived, i: 0, out: this.#out, now })
    if (lets) this.handshakes++
    if (lets) return 'in'
    return this.#out.count === 0 ? undefined : decodeCookie(this.#out.at(0))!.cookie.slice()
  }

  /** Signs in as a peer that receives at the address: asks, and retries with the cookie. */
  visit(from: Address, index: number, now: number): boolean {
    const first = this.knock(from, index, NO_COOKIE, now)
    return first === 'in' || (first !== undefined && this.knock(from, index, first, now) === 'in')
  }

  /** Sends `count` sign-ins from forged sources within a second. */
  flood(count: number, now: number): void {
    for (let i = 0; i < count; i++)
      this.knock(parseAddress(`203.0.${(i >>> 8) & 255}.${i & 255}:9`)!, i, NO_COOKIE, now)
  }
}

const siteAddress = (i: number) => parseAddress(`[2001:db8:77:${(i & 0xffff).toString(16)}::1]:9`)!

test('twenty thousand peers behind one IP are all back within 60 s while forged sign-ins flood in', () => {
  const door = new Door()
  const PEERS = 20_000
  const INTERVAL_MS = 25_000
  let now = 1_800_000_000_000
  const start = now
  /**
   * Time at which each peer tries (again). A dead node is noticed within one interval and 3 s; a failed attempt costs 1.75 s.
   */
  const due = Array.from({ length: PEERS }, (_, i) => ({ i, at: start + 3000 + (i * INTERVAL_MS) / PEERS }))
  let last = 0
  for (; due.length > 0; now += 100) {
    door.flood(1000, now)
    const ready = due.filter(({ at }) => at <= now)
    for (const each of ready) {
      const from = parseAddress(`192.0.2.7:${1024 + each.i}`)!
      if (door.visit(from, each.i, now)) {
        due.splice(due.indexOf(each), 1)
        last = now
      } else each.at = now + 1750
    }
    if (now - start > 120_000) break
  }
  expect(due).toEqual([])
  expect(last - start).toBeLessThan(60_000)
})

test('one site of IPv6 with 65,536 networks and good cookies does not get more than its part of a core', () => {
  const door = new Door()
  const start = 1_800_000_000_000
  for (let ms = 0; ms < 5000; ms += 10) {
    for (let i = 0; i < 60; i++) door.visit(siteAddress(ms * 60 + i), i, start + ms)
  }
  expect(door.handshakes / 5).toBeLessThan(1000 + COOKIES_ABOVE + 300)
})

test('many sites together get no more than what the node spends on sign-ins', () => {
  const door = new Door()
  const start = 1_800_000_000_000
  for (let ms = 0; ms < 4000; ms += 10) {
    for (let i = 0; i < 100; i++)
      door.visit(parseAddress(`[2001:db8:${(i & 63).toString(16)}:${i}::1]:9`)!, i, start + ms)
  }
  expect(door.handshakes / 4).toBeLessThan(2000 + COOKIES_ABOVE + 600)
})

test('who floods from one network with good cookies keeps nobody else out', () => {
  const door = new Door()
  const start = 1_800_000_000_000
  let [tried, came] = [0, 0]
  for (let ms = 0; ms < 5000; ms += 10) {
    for (let i = 0; i < 60; i++) door.visit(siteAddress(ms * 60 + i), i, start + ms)
    if (ms % 100 !== 0) continue
    tried++
    if (door.visit(parseAddress(`198.51.100.${(ms / 100) & 255}:7`)!, ms, start + ms)) came++
  }
  expect([tried, came]).toEqual([50, 50])
})

test('a cookie is good for its own address and index only', () => {
  const door = new Door()
  const now = 1_800_000_000_000
  door.flood(COOKIES_ABOVE, now)
  const from = parseAddress('192.0.2.7:4000')!
  const cookie = door.knock(from, 1, NO_COOKIE, now) as Uint8Array
  expect(door.knock(from, 2, cookie, now)).not.toBe('in')
  expect(door.knock(parseAddress('192.0.2.7:4001')!, 1, cookie, now)).not.toBe('in')
  expect(door.knock(from, 1, cookie, now)).toBe('in')
})
