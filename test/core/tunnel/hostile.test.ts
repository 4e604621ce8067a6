/** The other side of a tunnel holds its keys and forges source addresses. It must not be able to aim this side at a victim. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { TunnelMachine } from '../../../shared/core/tunnel/tunnel-machine.ts'
import { type Address, parseAddress, sameAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { type Control, MIN_PROBE_BODY } from '../../../shared/wire/tunnel.ts'

const [ONE, TWO] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const address = (text: string): Address => parseAddress(text)!
const ATTACKER = address('198.51.100.66:40000')
const VICTIM = address('203.0.113.7:9')

class HostilePeer {
  now = 0
  readonly machine = new TunnelMachine({
    seed: new Uint8Array(32).fill(3),
    keys: { send: ONE, receive: TWO },
    direction: { handshake: [], key: ONE, grant: new Uint8Array(0) },
    terms: { clear: false, paths: 'auto' },
    stun: [],
    candidates: [],
    localPort: 5000,
    now: 0,
  })
  readonly #packets = new Packets({ send: TWO, receive: ONE }, false)
  readonly #out = new Batch()
  /** Bytes sent from and received at each address. */
  readonly #sent = new Map<Address, number>()
  readonly #received = new Map<Address, number>()

  /** Amplification: bytes that the victim received for each byte sent in its name. */
  factor(victim: Address): number {
    return (this.#received.get(victim) ?? 0) / Math.max(this.#sent.get(victim) ?? 0, 1)
  }

  bytesTo(victim: Address): number {
    return this.#received.get(victim) ?? 0
  }

  say(from: Address, control: Control): void {
    const line = new Batch()
    this.#packets.sendControl(line, { words: from.words, socket: 0 }, control, this.now)
    this.#sent.set(from, (this.#sent.get(from) ?? 0) + line.length[0]!)
    this.machine.receive(line, this.#out, this.now)
    this.#deliver()
  }

  /** Makes the application of the honest side send as much as it can. */
  talk(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      this.machine.tick(this.#out, this.now)
      for (let i = 0; i < 20; i++)
        this.machine.handle({ kind: 'send', bytes: new Uint8Array(1100) }, this.#out, this.now)
      this.#deliver()
    }
  }

  /** Establishes a direct path to the attacker's real address. */
  settle(): void {
    this.say(ATTACKER, { kind: 'probe', id: 1n, here: true, bodyBytes: MIN_PROBE_BODY })
    this.talk(500)
    expect(this.machine.status.path).toBe('direct')
  }

  /** Delivers datagrams. Only those to the attacker's address are read and answered. */
  #deliver(): void {
    const out = this.#out
    const questions: Extract<Control, { kind: 'probe' }>[] = []
    for (let i = 0; i < out.count; i++) {
      for (const victim of [VICTIM, NEIGHBOUR, ATTACKER]) {
        if (!sameAddress(out.address, i * 5, victim.words, 0)) continue
        this.#received.set(victim, (this.#received.get(victim) ?? 0) + out.length[i]!)
      }
      if (!sameAddress(out.address, i * 5, ATTACKER.words, 0) || !this.#packets.open(out, i)) continue
      if (out.bytes[out.start(i)] !== 0x61) continue
      for (const it of this.#packets.controls(out)) if (it.kind === 'probe') questions.push(it)
    }
    out.clear()
    for (const { id, bodyBytes } of questions)
      this.say(ATTACKER, { kind: 'probeAck', id, observed: ATTACKER, bodyBytes })
  }
}

/** Another port at the attacker's own IP, like another customer behind the same carrier's NAT. */
const NEIGHBOUR = address('198.51.100.66:53')

let peer: HostilePeer
beforeEach(() => {
  peer = new HostilePeer()
  peer.settle()
})

/** Acknowledges probes in the victim's name, in the order in which they leave. Only the victim has received them. */
function acknowledgeBlindly(from: Address): void {
  const guess = (first: bigint, last: bigint, bodyBytes: number) => {
    for (let id = first; id <= last; id++) peer.say(from, { kind: 'probeAck', id, observed: from, bodyBytes })
  }
  guess(0n, 6n, MIN_PROBE_BODY)
  guess(7n, 60n, 1176)
  for (let round = 0; round < 20; round++) {
    guess(0n, 80n, MIN_PROBE_BODY)
    peer.talk(200)
  }
}

describe('a peer that says it moves to a victim and acknowledges probes that it never saw', () => {
  test.each([
    ['elsewhere', VICTIM],
    ['at its own IP', NEIGHBOUR],
  ])('gets a victim %s no data, and at most three times its own bytes', (_where, victim) => {
    peer.say(ATTACKER, { kind: 'move', address: victim })
    acknowledgeBlindly(victim)
    peer.talk(2000)
    expect(peer.factor(victim)).toBeLessThan(3)
  })
})

test('a peer that names victims by MOVE alone gets them at most three times its own bytes, and nothing at another IP', () => {
  for (let i = 0; i < 50; i++) {
    peer.say(ATTACKER, { kind: 'move', address: VICTIM })
    peer.say(ATTACKER, { kind: 'move', address: NEIGHBOUR })
    peer.talk(200)
  }
  expect(peer.bytesTo(VICTIM)).toBe(0)
  expect(peer.bytesTo(NEIGHBOUR)).toBeLessThanOrEqual(3 * 50 * 42)
})

test('a peer that probes in the name of a victim gets it at most three times the bytes', () => {
  for (let i = 0n; i < 60n; i++) {
    peer.say(VICTIM, { kind: 'probe', id: i, here: true, bodyBytes: i % 2n === 0n ? MIN_PROBE_BODY : 1176 })
    peer.talk(100)
  }
  expect(peer.factor(VICTIM)).toBeLessThanOrEqual(3)
})
