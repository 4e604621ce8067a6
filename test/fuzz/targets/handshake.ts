/**
 * A HANDSHAKE under programs of an attacker. Two honest peers share a tunnel. Another tunnel has the attacker on one side and
 * an honest peer on the other. The attacker has the grant for its own side, an expired one, and one of another fleet. It sees
 * every datagram, replays, delays and changes datagrams, forges source addresses, and sends anything over its own session.
 *
 * Invariants:
 *
 * - A third party receives at most three times the bytes that came in its name, and is in no plan.
 * - No plan names an address that a peer cannot have.
 * - A JOIN counts once.
 * - Nobody takes a place without a valid grant.
 * - A peer's report is acted on once.
 */
import type { HandshakeEffect } from '../../../shared/core/handshake/events.ts'
import { HandshakeMachine } from '../../../shared/core/handshake/handshake-machine.ts'
import { type ClientEvent, HandshakeClient } from '../../../shared/core/tunnel/handshake-client.ts'
import { isUnicast } from '../../../shared/core/tunnel/target-budget.ts'
import { type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type NodeId, peerIdOf, type TunnelId, toBase32 } from '../../../shared/ids.ts'
import {
  type Address,
  formatAddress,
  isLoopback,
  parseAddress,
  sameIp,
} from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { KIND, VERSION } from '../../../shared/wire/numbers.ts'
import type { Direction } from '../../../shared/wire/offers.ts'
import { type Profile, UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'
import type { Target } from '../fuzzer.ts'
import { type Program, play } from '../program.ts'

const at = (text: string): Address => parseAddress(text)!
const NODE = at('198.51.100.1:4001')
const THIRD_PARTY = at('203.0.113.7:9')
const THIRD = formatAddress(THIRD_PARTY.words)
const NOBODYS = [
  '127.0.0.1:80',
  '224.0.0.1:5',
  '255.255.255.255:7',
  '169.254.169.254:80',
  '0.0.0.0:1',
  '10.0.0.1:80',
]
const NAMED = [
  ...NOBODYS,
  THIRD,
  '192.0.2.3:0',
  '[::ffff:203.0.113.7]:9',
  '[::1]:80',
  '[ff02::1]:1',
  '192.0.2.3:77',
].map(at)
const KINDS = [KIND.JOIN, KIND.JOINED, KIND.SEALED, KIND.NODE, KIND.KEEP_ALIVE]
const [FLEET_KEY, OTHER_FLEET] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const START = 1_000_000
const MOST_STEPS = 60
const TUNNELS = 2

interface Datagram {
  readonly from: Address
  readonly bytes: Uint8Array
}

class Peer {
  readonly client: HandshakeClient
  readonly events: ClientEvent[] = []
  readonly address: Address
  /** Source address of its datagrams. */
  source: Address

  constructor(seed: number, address: string) {
    this.client = new HandshakeClient(new Random(new Uint8Array(32).fill(seed)), 0)
    this.address = at(address)
    this.source = this.address
  }
}

type Step = (scene: Scene, program: Program) => void

const STEPS: readonly Step[] = [
  (scene, program) => scene.pass(program.byte() * program.byte()),
  (scene, program) => scene.inject(program.oneOf(scene.seen).bytes, program),
  (scene, program) => scene.inject(program.damaged(program.oneOf(scene.seen).bytes), program),
  (scene, program) => scene.inject(Uint8Array.of(VERSION, program.oneOf(KINDS), ...program.piece()), program),
  (scene, program) => scene.join(program),
  (scene, program) => scene.forge(program),
  (scene, program) => scene.report(program),
  (scene, program) => scene.profile(program),
  (scene) => scene.hold(),
]

class Scene {
  readonly machine = new HandshakeMachine({
    seed: new Uint8Array(32).fill(5),
    fleetKeys: [FLEET_KEY],
    node: 'node_own' as NodeId,
    maxPairs: 100,
  })
  /** Ann and ben share one tunnel, cat and the attacker another. */
  readonly ann = new Peer(1, '192.0.2.1:40001')
  readonly ben = new Peer(2, '192.0.2.2:40002')
  readonly cat = new Peer(3, '192.0.2.3:40003')
  readonly attacker = new Peer(4, '198.51.100.66:6666')
  readonly peers = [this.ann, this.ben, this.cat, this.attacker]
  readonly seen: Datagram[] = []
  readonly #effects: HandshakeEffect[] = []
  readonly #random = new Random(new Uint8Array(32).fill(7))
  /** Number of joins that were started. */
  #joins = 0
  #reports = 0
  #held: Datagram[] | undefined
  #now = START
  #came = 0
  #went = 0

  constructor() {
    const out = new Batch(4)
    const relay = {
      node: 'node_one' as NodeId,
      roles: ['relay'],
      addresses: { relay: ['198.51.100.9:3478'] },
    } as const
    const rest = { publicKey: '', load: 0, draining: false, startedAt: 0, expiresAtSeconds: 0 }
    this.machine.handle({ kind: 'fleet', items: [{ ...relay, ...rest }] }, out, this.#now)
    this.#begin(this.ann, this.#direction(1, 0))
    this.#begin(this.ben, this.#direction(1, 1))
    this.#begin(this.cat, this.#direction(2, 0))
    this.#begin(this.attacker, this.#direction(2, 1))
    this.pass(600)
  }

  pass(ms: number): void {
    const end = this.#now + ms
    for (let turns = 0; turns < 100 && this.#now < end; turns++) {
      const next = Math.min(this.machine.deadline(), ...this.peers.map(({ client }) => client.deadline()))
      this.#now = Math.min(end, Math.max(next, this.#now + 10))
      const out = new Batch(4)
      this.machine.tick(out, this.#now)
      this.#after(out)
      this.#flushPeers()
    }
    this.#now = end
  }

  /** Delivers a datagram to the node from any source address. */
  inject(bytes: Uint8Array, program: Program): void {
    this.#give({ bytes, from: program.oneOf([THIRD_PARTY, ...this.peers.map(({ address }) => address)]) })
  }

  /** Makes the attacker join with a grant of its own, or with an invalid one. */
  join(program: Program): void {
    const ways = [
      () => this.#direction(2, 1),
      () => this.#direction(3 + program.byte(), 1, { expiresAt: START - 1 }),
      () => this.#direction(3 + program.byte(), 0, {}, OTHER_FLEET),
      () => ({ ...this.#direction(3, 1), key: OTHER_FLEET }),
    ]
    const choice = program.below(ways.length)
    if (choice === 0) this.#begin(this.attacker, ways[0]!(), program)
    else this.attacker.client.join(ways[choice]!(), this.#profile(this.attacker, program), this.#now)
    this.#flushPeers()
  }

  /** Sends the attacker's profile or its pending datagrams in the third party's name. */
  forge(program: Program): void {
    this.attacker.source = THIRD_PARTY
    if (program.below(2) === 0) this.profile(program)
    else this.#flushPeers()
    this.attacker.source = this.attacker.address
  }

  /** Makes a peer report the outcome of its latest step. */
  report(program: Program): void {
    const peer = program.oneOf(this.peers)
    const told = peer.events.findLast((event) => event.kind === 'step')
    if (told?.kind !== 'step') return
    const outcome = program.oneOf(['direct', 'failed'] as const)
    if (outcome === 'direct') this.#reports++
    const reached = program.oneOf(NAMED)
    peer.client.report({ step: told.step.step, outcome, reached, elapsedMs: program.byte(), packets: 1 })
    this.#flushPeers()
  }

  profile(program: Program): void {
    this.attacker.client.update(this.#profile(this.attacker, program))
    this.#flushPeers()
  }

  /** Holds datagrams to the node back, or releases them in reverse order. */
  hold(): void {
    const held = this.#held
    this.#held = held === undefined ? [] : undefined
    for (const datagram of held?.reverse() ?? []) this.#give(datagram)
  }

  check(): void {
    if (this.#went > 3 * this.#came) throw new Error('a third party was sent more than three times what came')
    if (this.machine.load * 100 > TUNNELS) throw new Error('a place was taken without a good grant')
    if (this.machine.counters.joins > this.#joins) throw new Error('a JOIN counted twice')
    const worked = this.#effects.filter(({ kind }) => kind === 'history')
    if (worked.length > this.#reports) throw new Error('a report was acted on twice')
    for (const { events } of this.peers) {
      for (const event of events) if (event.kind === 'step') event.step.targets.forEach(checkTarget)
    }
  }

  #begin(peer: Peer, way: Direction, program?: Program): void {
    this.#joins++
    peer.client.join(way, this.#profile(peer, program), this.#now)
    this.#flushPeers()
  }

  /** Returns a profile. The attacker's names any candidates. */
  #profile(peer: Peer, program: Program | undefined): Profile {
    const own = { kind: 'reflexive', address: peer.address } as const
    const kinds = ['host', 'reflexive', 'mapped'] as const
    const count = program?.below(6) ?? 0
    const named = Array.from({ length: count }, () => ({
      kind: program!.oneOf(kinds),
      address: program!.oneOf(NAMED),
    }))
    const mapping = program?.oneOf(['independent', 'addressAndPort'] as const) ?? 'independent'
    const port = named[0]?.address.words[4] ?? 0
    return { ...UNKNOWN_PROFILE, mapping, ready: true, low: port, high: port, candidates: [own, ...named] }
  }

  #direction(tunnel: number, leg: 0 | 1, change: Partial<Grant> = {}, fleetKey = FLEET_KEY): Direction {
    const id = (n: number) => peerIdOf(new Uint8Array(32).fill(n))
    const grant: Grant = {
      tunnel: toBase32(new Uint8Array(16).fill(tunnel)) as TunnelId,
      ...{ leg, self: id(10 * tunnel + leg), other: id(10 * tunnel + 1 - leg), expiresAt: START + 1e7 },
      ...change,
    }
    const sealed = sealGrant(fleetKey, 'handshake', grant, this.#random.bytes(24))
    return { handshake: [NODE], key: grantKey(fleetKey, 'handshake', grant), grant: sealed }
  }

  #flushPeers(): void {
    for (const peer of this.peers) {
      const out = new Batch(4)
      peer.client.tick(out, this.#now)
      for (let i = 0; i < out.count; i++) {
        const datagram = { from: peer.source, bytes: out.at(i).slice() }
        this.seen.push(datagram)
        if (this.#held === undefined) this.#give(datagram)
        else this.#held.push(datagram)
      }
    }
  }

  #give({ from, bytes }: Datagram): void {
    if (formatAddress(from.words) === THIRD) this.#came += bytes.length
    const [arrived, out] = [new Batch(1), new Batch(4)]
    arrived.push(bytes, from.words)
    this.machine.receive(arrived, out, this.#now)
    this.#after(out)
  }

  #after(out: Batch): void {
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll())
      this.#effects.push(effect)
    for (let i = 0; i < out.count; i++) {
      const to = formatAddress(out.addressOf(i).words)
      if (to === THIRD) this.#went += out.length[i]!
      const peer = this.peers.find(({ address }) => formatAddress(address.words) === to)
      const arrived = new Batch(1)
      arrived.push(out.at(i), NODE.words)
      peer?.client.take(arrived, 0, this.#now)
      for (let event = peer?.client.event(); event !== undefined; event = peer?.client.event())
        peer!.events.push(event)
    }
  }
}

function checkTarget(target: Address): void {
  if (sameIp(target.words, 0, THIRD_PARTY.words, 0)) throw new Error('a third party is in a plan')
  const isPrivate = target.words[3]! >>> 24 === 10
  if (!isUnicast(target) || isLoopback(target.words) || isPrivate)
    throw new Error(`a plan names ${formatAddress(target.words)}`)
}

export const handshake: Target = {
  seeds: STEPS.map((_, step) => Uint8Array.of(4, 0, 3, 0, step, 1, 2, 3, 0, 30, 30, step, 5, 6, 7, 1, 1, 3)),
  run: (input) => play(input, new Scene(), STEPS, MOST_STEPS),
}
