import { RelayLeg } from '../../../shared/core/relay/leg.ts'
import {
  type RelayEffect,
  RelayMachine,
  type RelayOptions,
} from '../../../shared/core/relay/relay-machine.ts'
import { type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { peerIdOf, type TunnelId, toBase32 } from '../../../shared/ids.ts'
import { ADDRESS_WORDS, type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'

export const FLEET_KEY = new Uint8Array(32).fill(1)
export const RELAY = parseAddress('198.51.100.1:3478')!
export const START = 1_700_000_000_000
export const GRANT_MS = 600_000

export interface Credentials {
  readonly grant: Uint8Array
  readonly key: Uint8Array
}

/** A datagram in flight, copied. */
export interface Flying {
  readonly from: string
  readonly to: string
  /** Number of the socket that sent it. */
  readonly socket?: number
  readonly bytes: Uint8Array
}

/** A relay with the datagrams to and from it, and a manual clock. */
export class World {
  readonly relay: RelayMachine
  readonly effects: RelayEffect[] = []
  now = START
  readonly #random = new Random(new Uint8Array(32).fill(7))

  constructor(options: Partial<RelayOptions> = {}) {
    this.relay = new RelayMachine({ fleetKeys: [FLEET_KEY], seed: new Uint8Array(32).fill(9), ...options })
  }

  /** Makes grants for both sides of a new tunnel. `seen`: the address at which the HANDSHAKE has seen the answering side. */
  tunnel(
    fleetKey = FLEET_KEY,
    seen?: string,
  ): {
    readonly id: TunnelId
    readonly legs: readonly [Credentials, Credentials]
  } {
    const random = this.#random
    const id = toBase32(random.bytes(16)) as TunnelId
    const [a, b] = [peerIdOf(random.bytes(32)), peerIdOf(random.bytes(32))]
    const expiresAt = this.now + GRANT_MS
    const grants: readonly Grant[] = [
      { tunnel: id, leg: 0, self: a, other: b, expiresAt },
      { tunnel: id, leg: 1, self: b, other: a, expiresAt, ...(seen && { from: parseAddress(seen)! }) },
    ]
    const [first, second] = grants.map((grant) => ({
      grant: sealGrant(fleetKey, 'relay', grant, random.bytes(24)),
      key: grantKey(fleetKey, 'relay', grant),
    }))
    return { id, legs: [first!, second!] }
  }

  /** Sends datagrams from an address and returns what the relay sends in reply. */
  send(from: string, ...datagrams: readonly Uint8Array[]): Flying[] {
    return this.sendThrough(0, from, ...datagrams)
  }

  /** Like `send`, to another socket of the relay than that at its own port. */
  sendThrough(socket: number, from: string, ...datagrams: readonly Uint8Array[]): Flying[] {
    const arrived = new Batch(1)
    for (const bytes of datagrams) arrived.push(bytes, parseAddress(from)!.words, 0, socket)
    return this.#run((out) => this.relay.receive(arrived, out, this.now))
  }

  handle(input: Parameters<RelayMachine['handle']>[0]): Flying[] {
    return this.#run((out) => this.relay.handle(input, out, this.now))
  }

  /** Lets `ms` pass, jumping from deadline to deadline. Returns what the relay sends. */
  advance(ms: number): Flying[] {
    const end = this.now + ms
    const sent: Flying[] = []
    while (this.relay.deadline() <= end) {
      this.now = Math.max(this.now, this.relay.deadline())
      sent.push(...this.#run((out) => this.relay.tick(out, this.now)))
    }
    this.now = end
    return sent
  }

  #run(call: (out: Batch) => void): Flying[] {
    const out = new Batch(1)
    call(out)
    for (let effect = this.relay.poll(); effect !== undefined; effect = this.relay.poll()) {
      this.effects.push(effect)
    }
    return flying(out, formatAddress(RELAY.words), undefined)
  }
}

/** A peer's leg, at an address that may change, joined to the relay without loss. */
export class Peer {
  readonly leg: RelayLeg
  readonly received: Uint8Array[] = []
  readonly #world: World
  address: string

  constructor(world: World, address: string, credentials: Credentials, relay: Address = RELAY) {
    this.#world = world
    this.address = address
    this.leg = new RelayLeg({ relay, ...credentials, socket: 0 })
  }

  start(): Flying[] {
    return this.#run((out) => this.leg.start(out, this.#world.now))
  }

  release(): Flying[] {
    return this.#run((out) => this.leg.release(out, this.#world.now))
  }

  tick(): Flying[] {
    return this.#run((out) => this.leg.tick(out, this.#world.now))
  }

  data(bytes: Uint8Array): Flying {
    this.leg.sent(this.#world.now)
    return { from: this.address, to: formatAddress(RELAY.words), bytes }
  }

  take(bytes: Uint8Array): Flying[] {
    const arrived = new Batch(1)
    arrived.push(bytes, RELAY.words)
    return this.#run((out) => {
      if (this.leg.take(arrived, 0, out, this.#world.now) === 'data') this.received.push(bytes)
    })
  }

  #run(call: (out: Batch) => void): Flying[] {
    const out = new Batch(1)
    call(out)
    return flying(out, undefined, this.address)
  }
}

/** Delivers datagrams back and forth until none is left. */
export function deliver(world: World, peers: readonly Peer[], datagrams: readonly Flying[]): void {
  for (let left = [...datagrams]; left.length > 0; ) {
    const next: Flying[] = []
    for (const { from, to, bytes } of left) {
      if (to === formatAddress(RELAY.words)) next.push(...world.send(from, bytes))
      else next.push(...(peers.find((peer) => peer.address === to)?.take(bytes) ?? []))
    }
    left = next
  }
}

/** Returns two peers bound to the same tunnel, with both addresses proven. */
export function pair(world: World, first = '203.0.113.1:1000', second = '203.0.113.2:2000'): [Peer, Peer] {
  const [a, b] = world.tunnel().legs
  const peers: [Peer, Peer] = [new Peer(world, first, a), new Peer(world, second, b)]
  for (const peer of peers) deliver(world, peers, peer.start())
  return peers
}

/** Lets `ms` pass for the relay and all peers, and meets every deadline. */
export function pass(world: World, peers: readonly Peer[], ms: number): void {
  const end = world.now + ms
  for (;;) {
    const next = Math.min(world.relay.deadline(), ...peers.map(({ leg }) => leg.deadline()))
    if (next > end) break
    deliver(world, peers, world.advance(Math.max(0, next - world.now)))
    for (const peer of peers) deliver(world, peers, peer.tick())
  }
  world.now = end
}

function flying(out: Batch, from: string | undefined, source: string | undefined): Flying[] {
  return Array.from({ length: out.count }, (_, i) => ({
    from: from ?? source!,
    to: formatAddress(out.address, i * ADDRESS_WORDS),
    socket: out.socket[i]!,
    bytes: out.at(i).slice(),
  }))
}
