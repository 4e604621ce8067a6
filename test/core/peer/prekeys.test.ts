import { describe, expect, test } from 'vitest'
import { type Allowances, FULL, take } from '../../../shared/core/checkpoint/allowances.ts'
import { Budget } from '../../../shared/core/peer/budget.ts'
import { PREKEY_MS, type PrekeyMemory, Prekeys } from '../../../shared/core/peer/prekeys.ts'
import { RecipientKeys } from '../../../shared/core/peer/recipient-keys.ts'
import { identityOf } from '../../../shared/crypto/identity.ts'
import { prekeyPair, readPrekey, signPrekey } from '../../../shared/crypto/prekey.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { PeerId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { type PrekeyAnswer, type PrekeyQuestion, prekeyNumber } from '../../../shared/wire/prekeys.ts'

const DAY = 24 * 3600_000
const START = 1_790_000_000_000
const bob = identityOf(new Uint8Array(32).fill(2))
const NONE = new Uint8Array(0)
const { publicKey: key } = prekeyPair(new Uint8Array(32).fill(1))

/** A seed for each number below 65,536. */
function filled(i: number): Uint8Array {
  return new Uint8Array(32).fill(i & 255).fill(i >> 8, 16)
}

function newPrekeys(memory: readonly PrekeyMemory[] | undefined, seed = 4): Prekeys {
  return new Prekeys(bob, new Random(new Uint8Array(32).fill(seed)), memory)
}

const numberOf = (keys: Prekeys): number => prekeyNumber(keys.published!)

describe('the prekeys of a peer', () => {
  test('are published when they are stored, and replaced after a week', () => {
    const keys = newPrekeys([])
    expect(keys.tick(START)).toHaveLength(1)
    expect(keys.published).toBeUndefined()
    expect(keys.stored(START)).toBe(true)
    expect(readPrekey(bob.peer, keys.published!)).toMatchObject({ signedAt: START })
    const first = numberOf(keys)
    expect(keys.tick(START + PREKEY_MS - 1)).toBeUndefined()
    expect(keys.deadline(START)).toBe(START + PREKEY_MS)
    expect(keys.tick(START + PREKEY_MS)).toHaveLength(2)
    expect(numberOf(keys)).toBe(first)
    keys.stored(START + PREKEY_MS)
    expect(numberOf(keys)).not.toBe(first)
    expect(keys.find(first)).toBeDefined()
  })

  test('are kept for 32 days after the next one, then erased, also across restarts', () => {
    let keys = newPrekeys([])
    let memory = keys.tick(START)!
    keys.stored(START)
    const first = numberOf(keys)
    for (let week = 1; week <= 5; week++) {
      keys = newPrekeys(memory, week)
      const made = keys.tick(START + week * PREKEY_MS)
      expect(keys.find(first)).toBeDefined()
      memory = made!
      keys.stored(START + week * PREKEY_MS)
    }
    const { secretKey } = keys.find(first)!
    const erasedAt = START + PREKEY_MS + 32 * DAY
    expect(keys.tick(erasedAt - 1)).toBeUndefined()
    const after = keys.tick(erasedAt)!
    expect(after).toHaveLength(5)
    expect(keys.find(first)).toBeUndefined()
    expect(secretKey).toEqual(new Uint8Array(32))
    expect(newPrekeys(after).find(first)).toBeUndefined()
  })

  test('are made anew for messages that name a lost one, at most once a day', () => {
    const keys = newPrekeys([])
    keys.tick(START)
    keys.stored(START)
    keys.missed()
    expect(keys.tick(START + DAY - 1)).toBeUndefined()
    keys.missed()
    expect(keys.tick(START + DAY)).toHaveLength(2)
  })

  test('are never more than forty and the newest, however often others miss one', () => {
    const keys = newPrekeys([])
    for (let day = 0; day < 100; day++) {
      keys.missed()
      keys.tick(START + day * DAY)
      keys.stored(START + day * DAY)
    }
    expect(newPrekeys(keys.tick(START + 108 * DAY)!).tick(START + 108 * DAY)).toBeUndefined()
    expect(keys.tick(START + 200 * DAY)!.length).toBeLessThanOrEqual(41)
  })

  test('of a peer that stores nothing are the key of its identity, signed anew', () => {
    const keys = newPrekeys(undefined)
    expect(keys.tick(START)).toBeUndefined()
    expect(readPrekey(bob.peer, keys.published!)?.key).toEqual(bob.staticPublic)
    expect(keys.find(numberOf(keys))?.secretKey).toEqual(bob.staticSecret)
  })

  test('that a wrong clock dated to the future are replaced', () => {
    const keys = newPrekeys([{ secretKey: new Uint8Array(32).fill(1), signedAt: START + 400 * DAY }])
    expect(keys.tick(START)).toHaveLength(2)
  })
})

const prekey = (byte: number, signedAt = START): Uint8Array =>
  signPrekey(bob, prekeyPair(new Uint8Array(32).fill(byte)).publicKey, signedAt)
const numberIn = (published: Uint8Array): number => prekeyNumber(published)

function asked(keys: RecipientKeys, now: number): PrekeyQuestion[] {
  const questions: PrekeyQuestion[] = []
  keys.send(now, (question) => questions.push(question) > 0)
  return questions
}

/** The number of the key that a message would be sealed for. */
const keyAt = (keys: RecipientKeys, now: number) => keys.find(bob.peer, now, START + now)?.number
const answer = (keys: RecipientKeys, published: Uint8Array, now: number) =>
  keys.take({ peer: bob.peer, prekey: published }, now, START + now)

/** Keys with the prekey 1, asked for at 0. */
function withFirst(): RecipientKeys {
  const keys = new RecipientKeys()
  keyAt(keys, 0)
  asked(keys, 0)
  answer(keys, prekey(1), 0)
  return keys
}

describe('the prekey of a recipient', () => {
  test('is asked for once, and then used without a question', () => {
    const keys = new RecipientKeys()
    expect(keyAt(keys, 0)).toBeUndefined()
    expect(asked(keys, 0)).toEqual([{ peer: bob.peer, known: 0 }])
    expect(asked(keys, 1)).toEqual([])
    answer(keys, prekey(1), 20)
    expect(keyAt(keys, 20)).toBe(numberIn(prekey(1)))
    expect(keyAt(keys, 7 * DAY)).toBe(numberIn(prekey(1)))
    expect(asked(keys, 7 * DAY)).toEqual([])
  })

  test('is asked for again after eight days while the old one is used', () => {
    const keys = withFirst()
    const later = 8 * DAY + 1
    expect(keyAt(keys, later)).toBe(numberIn(prekey(1)))
    expect(asked(keys, later)).toHaveLength(1)
    answer(keys, prekey(2, START + 7 * DAY), later)
    expect(keyAt(keys, later)).toBe(numberIn(prekey(2)))
  })

  test('of nobody is the key of the identity, as is one that the node does not tell in time', () => {
    const none = new RecipientKeys()
    keyAt(none, 0)
    asked(none, 0)
    answer(none, NONE, 5)
    expect(keyAt(none, 5)).toBe(0)
    expect(keyAt(none, 600_004)).toBe(0)
    expect(asked(none, 600_004)).toEqual([])
    expect(keyAt(none, 600_005)).toBe(0)
    expect(asked(none, 600_005)).toHaveLength(1)

    const silent = new RecipientKeys()
    keyAt(silent, 0)
    asked(silent, 100)
    silent.expire(2600)
    expect(asked(silent, 2600)).toHaveLength(1)
    expect(silent.expiresAt()).toBe(5100)
    silent.expire(5099)
    expect(keyAt(silent, 5099)).toBeUndefined()
    silent.expire(5100)
    expect(keyAt(silent, 5100)).toBe(0)
  })

  test('waits for as long as there is no session to ask in', () => {
    const keys = new RecipientKeys()
    keyAt(keys, 0)
    keys.expire(1e9)
    expect(keyAt(keys, 1e9)).toBeUndefined()
  })

  test('is not replaced by an older one, by one of the future, by a forged one, or by none', () => {
    const keys = withFirst()
    const later = 9 * DAY
    const forged = prekey(2, START + 8 * DAY)
    forged[40]! ^= 1
    for (const bad of [prekey(2, START - 1), prekey(2, START + 11 * DAY), forged, NONE]) {
      keyAt(keys, later)
      asked(keys, later)
      answer(keys, bad, later)
      expect(keyAt(keys, later)).toBe(numberIn(prekey(1)))
    }
  })

  test('that is older than a mailbox keeps messages is not used', () => {
    const keys = new RecipientKeys()
    keyAt(keys, 0)
    asked(keys, 0)
    answer(keys, prekey(1, START - 38 * DAY - 1), 0)
    expect(keyAt(keys, 0)).toBe(0)
  })

  test('that its owner does not have is asked for until it is another one', () => {
    const keys = withFirst()
    keys.refuse(bob.peer, numberIn(prekey(1)))
    expect(keyAt(keys, 100)).toBeUndefined()
    expect(asked(keys, 100)).toEqual([{ peer: bob.peer, known: numberIn(prekey(1)) }])
    answer(keys, prekey(1), 110)
    expect(asked(keys, 1109)).toEqual([])
    expect(asked(keys, 1110)).toHaveLength(1)
    answer(keys, prekey(2, START + 5), 1120)
    expect(keyAt(keys, 1120)).toBe(numberIn(prekey(2)))
  })

  test('stays the known one if the node only ever tells that one, or nothing', () => {
    for (const told of [prekey(1), NONE]) {
      const keys = withFirst()
      keys.refuse(bob.peer, numberIn(prekey(1)))
      for (let now = 0; keyAt(keys, now) === undefined; now += 500) {
        expect(now).toBeLessThan(6000)
        if (asked(keys, now).length > 0) answer(keys, told, now)
      }
      expect(keyAt(keys, 6000)).toBe(numberIn(prekey(1)))
    }
  })

  test('is asked for again by a new session', () => {
    const keys = new RecipientKeys()
    keyAt(keys, 0)
    asked(keys, 0)
    keys.restart()
    expect(asked(keys, 1000)).toHaveLength(1)
  })

  test('is asked for until it is told, if the node answers others', () => {
    const keys = new RecipientKeys()
    keyAt(keys, 0)
    let times = 0
    for (let now = 0; keyAt(keys, now) === undefined; now += 500) {
      const { peer } = identityOf(filled(now))
      keys.find(peer, now, START + now)
      keys.expire(now)
      times += asked(keys, now).filter((question) => question.peer === bob.peer).length
      keys.take({ peer, prekey: NONE }, now, START + now)
      if (times === 4) answer(keys, prekey(1), now)
    }
    expect(keyAt(keys, 20_000)).toBe(numberIn(prekey(1)))
  })

  test('comes from the node that is asked for hundreds at a time and has nothing left to allow', () => {
    const node: { allowances: Allowances } = { allowances: FULL }
    for (let i = 0; take(node, 'requests', 1, 0); i++) expect(i).toBeLessThan(LIMITS.requestsBurst)
    const others = Array.from({ length: 300 }, (_, i) => identityOf(filled(i)))
    const [keys, budget] = [new RecipientKeys(), new Budget()]
    const told: PrekeyAnswer[] = []
    const sealedFor = new Map<PeerId, number>()
    for (let now = 0; sealedFor.size < others.length; now += 100) {
      expect(now).toBeLessThan(60_000)
      keys.expire(now)
      for (const { peer } of others) {
        const key = sealedFor.has(peer) ? undefined : keys.find(peer, now, START + now)
        if (key !== undefined) sealedFor.set(peer, key.number)
      }
      for (const answer of told.splice(0)) keys.take(answer, now, START + now)
      keys.send(now, ({ peer }) => {
        if (!budget.take(1, now)) return false
        const of = others.find((each) => each.peer === peer)!
        if (take(node, 'requests', 1, now)) told.push({ peer, prekey: signPrekey(of, key, START) })
        return true
      })
    }
    expect(new Set(sealedFor.values())).toEqual(new Set([prekeyNumber(key)]))
  })
})
