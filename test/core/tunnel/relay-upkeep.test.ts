import { beforeEach, describe, expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { RelayUpkeep } from '../../../shared/core/tunnel/relay-upkeep.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { decodeRelay } from '../../../shared/wire/relay.ts'
import { RELAY, START, World } from '../relay/world.ts'
import { B, OtherSide, probe } from './other-side.ts'

const HERE = '203.0.113.1:1000'
let other: OtherSide
let relay: World
let outbox: Queue<TunnelEffect>
let upkeep: RelayUpkeep
/** Datagrams that were sent to the relay. */
let said: string[]

beforeEach(() => {
  other = new OtherSide()
  relay = new World()
  outbox = new Queue()
  said = []
  const { relays, choice } = other.paths
  upkeep = new RelayUpkeep(relays, choice, outbox)
  other.now = START
  relays.add({ relay: RELAY, ...relay.tunnel().legs[0] }, other.out, other.now)
  carry()
  other.reach(B)
  other.answer(B)
  other.sent()
})

/** Brings the relay what was sent to it, and its answers back. */
function carry(): void {
  const { out } = other
  for (let i = 0; i < out.count; i++) {
    if (formatAddress(out.address, i * 5) !== formatAddress(RELAY.words)) continue
    const bytes = out.at(i).slice()
    said.push(decodeRelay(bytes)?.op ?? 'data')
    relay.now = other.now
    for (const back of relay.send(HERE, bytes)) {
      const arrived = new Batch(1)
      arrived.push(back.bytes, RELAY.words)
      other.paths.relays.take(arrived, 0, out, other.now)
    }
  }
}

/** Lets time pass as a tunnel does. Returns what was said to the relay. */
function pass(ms: number, answers = true): readonly string[] {
  said = []
  for (const end = other.now + ms; other.now < end; ) {
    other.pass(100)
    upkeep.ready(other.out, other.now)
    upkeep.release(other.out, other.now)
    carry()
    if (answers) other.answer(B)
    else other.sent()
  }
  return said
}

describe('the relay', () => {
  test('is released ten seconds after both sides send directly', () => {
    pass(3000)
    other.say(B, probe(5n, true))
    pass(10_000)
    expect([other.paths.relays.alive, outbox.size]).toEqual([true, 0])
    expect(pass(200)).toContain('release')
    expect([other.paths.relays.alive, outbox.take()]).toEqual([false, { kind: 'released' }])
  })

  test('is kept while the other side does not, or an attempt begins', () => {
    pass(15_000)
    other.say(B, probe(5n, true))
    pass(9000)
    upkeep.postpone()
    pass(9000)
    expect([other.paths.relays.alive, outbox.size]).toEqual([true, 0])
  })

  test('learns the address of this side again, once, when the direct path is suspect', () => {
    other.paths.sender.streaming = true
    expect(pass(2000)).not.toContain('bind')
    expect(pass(1200, false).filter((op) => op === 'bind')).toHaveLength(1)
  })
})
