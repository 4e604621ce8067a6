import { describe, expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import type { NatClass } from '../../../shared/core/tunnel/nat-class.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { Survey } from '../../../shared/core/tunnel/survey.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type Address, addressOf } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { STUN_TYPE } from '../../../shared/wire/stun.ts'
import { StunWriter } from '../../../shared/wire/stun-writer.ts'

const LOCAL_PORT = 40_000
const STUN = ['198.51.100.1', '198.51.100.2'].map((ip) => ({
  primary: addressOf(ip, 3478)!,
  alternate: addressOf(ip, 3479)!,
}))
const seenAt = (port: number): Address => addressOf('203.0.113.1', port)!

const SYMMETRIC: NatClass = {
  mapping: 'addressAndPort',
  filtering: 'addressAndPort',
  allocation: 'block',
  forgiving: false,
  hairpin: false,
  hops: 0,
}
/** A NAT whose hops are worth measuring: it may react to packets that arrive before it has sent. */
const STRICT: NatClass = { ...SYMMETRIC, mapping: 'independent', allocation: 'preserving' }

class Surveyed {
  readonly #outbox = new Queue<TunnelEffect>()
  readonly #sockets = new Sockets(() => new Set(), this.#outbox)
  readonly survey: Survey
  readonly #out = new Batch(64)

  constructor(nat?: NatClass) {
    const given = { paths: 'auto', stun: STUN, candidates: [], quiet: false, udpBlocked: false } as const
    const random = new Random(new Uint8Array(32))
    this.survey = new Survey({ ...given, localPort: LOCAL_PORT, nat }, random, this.#sockets)
    this.survey.start(undefined, false, 0)
  }

  /** Number of sockets that it asks for. */
  get wanted(): number {
    const effect = this.#outbox.take()
    return effect?.kind === 'openSockets' ? effect.count : 0
  }

  /** Gives it sockets. Returns what it sends with a TTL, and what it then asks from the same socket. */
  questions(count: number): readonly { readonly ttl: number; readonly request: Uint8Array }[] {
    this.#sockets.opened(
      Array.from({ length: count }, (_, i) => 50_000 + i),
      false,
    )
    this.survey.tick(this.#out, 1)
    return Array.from({ length: this.#out.count }, (_, i) => i).flatMap((i) => {
      const ttl = this.#out.ttl[i]!
      return ttl > 0 ? [{ ttl, request: this.#out.at(i + 1).slice() }] : []
    })
  }
}

function answerTo(request: Uint8Array, mapped: Address): Uint8Array {
  const batch = new Batch(1)
  const slot = batch.claim(mapped.words, 0, 0)
  const writer = new StunWriter().begin(batch, slot, STUN_TYPE.success, request, 8)
  writer.xorMappedAddress(mapped.words, 0)
  writer.end(true)
  return batch.at(slot).slice()
}

describe('hops', () => {
  test.each([
    ['an unknown NAT', undefined, 6],
    ['one that minds early packets', STRICT, 6],
    ['one that is known not to', { ...STRICT, forgiving: true }, 0],
    ['a symmetric one, whose ports are needed', SYMMETRIC, 0],
  ])('of %s are asked for with so many sockets', (_name, nat, sockets) => {
    expect(new Surveyed(nat).wanted).toBe(sockets)
  })

  test('count for nothing once the NAT turns out to be symmetric: what came through did so by chance', () => {
    const surveyed = new Surveyed()
    const { survey } = surveyed
    const questions = surveyed.questions(surveyed.wanted)
    expect(questions.map(({ ttl }) => ttl)).toEqual([1, 2, 3, 4, 5, 6])
    survey.take(answerTo(questions[4]!.request, seenAt(61_000)), 2)
    expect(survey.profile).toMatchObject({ mapping: 'unknown', hops: 5 })

    for (const [i, { primary }] of STUN.entries()) survey.observed(primary, seenAt(62_000 + i))
    expect(survey.profile).toMatchObject({ mapping: 'addressAndPort', hops: 0 })
  })
})
