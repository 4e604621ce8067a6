/**
 * CHECKPOINT nodes, scripted peers and the tables, joined directly. Time jumps to the next event. A function decides the fate
 * of each datagram between any two. The directory answers after 4 ms, and the streams push after 50 ms.
 */
import {
  CheckpointMachine,
  type CheckpointOptions,
} from '../../../shared/core/checkpoint/checkpoint-machine.ts'
import type { CheckpointEffect } from '../../../shared/core/checkpoint/events.ts'
import { type Identity, identityOf, sign } from '../../../shared/crypto/identity.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../../shared/ids.ts'
import { type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { pushedBy } from '../../sim/streams.ts'
import { Tables } from '../../sim/tables.ts'
import { ScriptedPeer } from './scripted-peer.ts'

export const START = 1_800_000_000_000
export const ASK_MS = 4
const PUSH_MS = 50
export const FLEET_KEY = new Uint8Array(32).fill(7)
export const ISSUER = identityOf(new Uint8Array(32).fill(9))

/** The delays, in milliseconds, after which the copies of a datagram arrive. */
export type Fate = (bytes: Uint8Array, from: string, to: string) => readonly number[]

export interface WorldNode {
  readonly id: NodeId
  readonly address: Address
  readonly publicKey: Uint8Array
  readonly machine: CheckpointMachine
  alive: boolean
}

export class World {
  now = START
  fate: Fate = () => [10]
  readonly tables = new Tables()
  readonly nodes: WorldNode[] = []
  readonly peers: ScriptedPeer[] = []
  readonly asked: string[] = []
  readonly drained: NodeId[] = []
  /** Kinds of requests that are answered `failed`. */
  readonly failing = new Set<string>()
  /** How long the answer to a request is on its way, in ms, after the tables made it. */
  answersTake: (kind: string) => number = () => 0
  #events: { readonly at: number; readonly run: () => void }[] = []
  readonly #out = new Batch()
  readonly #cutOff = new Set<NodeId>()

  constructor(nodes = 1, options: Partial<CheckpointOptions> = {}) {
    for (let n = 1; n <= nodes; n++) this.#addNode(n, options)
    this.publishFleet()
  }

  /** Adds a peer whose user is a member of the networks. */
  peer(
    name: string,
    user: string,
    networks: readonly string[],
    blocks: readonly string[] = [],
    at = `198.51.100.${this.peers.length + 1}:4000`,
  ): ScriptedPeer {
    const identity = identityOf(seedOf(this.peers.length))
    const ids = networks.map(networkId)
    this.tables.enrol(identity.peer, userId(user))
    for (const network of ids) this.tables.setRole(network, userId(user), 'member')
    if (blocks.length > 0) this.tables.setBlocks(userId(user), blocks as readonly UserId[])
    while (this.tables.poll() !== undefined);
    const ticket = ticketFor(identity, user, this.now)
    const address = parseAddress(at)!
    const peer = new ScriptedPeer({ identity, ticket, address })
    this.peers.push(peer)
    names.set(identity.peer, name)
    return peer
  }

  /** Sends a SIGN_IN and lets time pass until it has taken effect. */
  signIn(peer: ScriptedPeer, node = this.nodes[0]!, runMs = 500): Uint8Array {
    const datagram = peer.signIn(node, ++this.#clock, this.#out)
    this.#leave(peer.address)
    this.run(runMs)
    return datagram
  }

  /** Sends a datagram. */
  inject(bytes: Uint8Array, from: Address, to: Address): void {
    this.#out.push(bytes, to.words)
    this.#leave(from)
  }

  keepAlive(peer: ScriptedPeer, index?: number): void {
    peer.keepAlive(this.#out, index)
    this.#leave(peer.address)
  }

  handle(node: WorldNode, input: Parameters<CheckpointMachine['handle']>[0]): void {
    node.machine.handle(input, this.#out, this.now)
    this.#after(node)
  }

  /** Makes a change through INDEX and delivers what the streams push for it. */
  write(act: (tables: Tables) => void): void {
    act(this.tables)
    for (let change = this.tables.poll(); change !== undefined; change = this.tables.poll()) {
      const pushed = pushedBy(change, this.tables)
      if (pushed === undefined) continue
      const targets = this.nodes.filter(({ id }) => pushed.nodes.includes(id))
      for (const node of targets.filter(({ id }) => !this.#cutOff.has(id)))
        this.#at(PUSH_MS, () => this.handle(node, { kind: 'push', push: pushed.push }))
    }
  }

  /** Ends the node's connection to the gateway: pushes to it are lost. */
  cutOff(node: WorldNode): void {
    this.#cutOff.add(node.id)
    this.handle(node, { kind: 'pushesLost' })
  }

  connect(node: WorldNode): void {
    this.#cutOff.delete(node.id)
    this.handle(node, { kind: 'pushesBack' })
  }

  publishFleet(): void {
    const fleet = this.nodes.filter(({ alive }) => alive).map((node) => leaseOf(node, this.now))
    for (const item of fleet) this.tables.fleet.set(item.node, item)
    for (const node of this.nodes) this.handle(node, { kind: 'fleet', nodes: fleet })
  }

  /** Lets `ms` pass and handles everything that happens meanwhile. */
  run(ms: number): void {
    const end = this.now + ms
    this.#flushPeers()
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.now = Math.max(this.now, next)
      this.#step()
      this.#flushPeers()
    }
    this.now = end
  }

  #clock = START

  #addNode(n: number, options: Partial<CheckpointOptions>): void {
    const identity = identityOf(new Uint8Array(32).fill(n))
    const id = `node_${'abcdefgh'.slice(0, 7)}${'abcdefgh'[n]}` as NodeId
    const machine = new CheckpointMachine({
      node: id,
      identity: { publicKey: identity.staticPublic, secretKey: identity.staticSecret },
      fleetKeys: [FLEET_KEY],
      ticketKeys: new Map([['k1', ISSUER.publicKey]]),
      seed: new Uint8Array(32).fill(n),
      now: START,
      ...options,
    })
    const address = parseAddress(`192.0.2.${n}:3480`)!
    const node = { id, address, publicKey: identity.staticPublic, machine, alive: true }
    this.nodes.push(node)
    this.handle(node, { kind: 'pushesBack' })
  }

  #next(): number {
    const machines = this.nodes.filter(({ alive }) => alive).map(({ machine }) => machine.deadline())
    const sessions = this.peers.map(({ session }) => session?.deadline() ?? Number.POSITIVE_INFINITY)
    return Math.min(...machines, ...sessions, ...this.#events.map(({ at }) => at))
  }

  #step(): void {
    const due = this.#events.filter(({ at }) => at <= this.now)
    this.#events = this.#events.filter(({ at }) => at > this.now)
    for (const { run } of due.sort((a, b) => a.at - b.at)) run()
    for (const node of this.nodes) {
      if (!node.alive || node.machine.deadline() > this.now) continue
      node.machine.tick(this.#out, this.now)
      this.#after(node)
    }
  }

  #flushPeers(): void {
    for (const peer of this.peers) {
      peer.session?.flush(this.#out, this.now)
      this.#leave(peer.address)
    }
  }

  #after(node: WorldNode): void {
    this.#leave(node.address)
    for (let effect = node.machine.poll(); effect !== undefined; effect = node.machine.poll()) {
      this.#perform(node, effect)
    }
  }

  #perform(node: WorldNode, effect: CheckpointEffect): void {
    if (effect.kind === 'drained') this.drained.push(node.id)
    if (effect.kind !== 'ask') return
    const { id, request } = effect
    this.asked.push(request.kind)
    this.#at(ASK_MS, () => {
      const failed = this.failing.has(request.kind)
      const reply = failed ? ({ kind: 'failed', detail: 'no tables' } as const) : this.tables.answer(request)
      this.write(() => {})
      const answer = structuredClone(reply)
      const arrive = () => node.alive && this.handle(node, { kind: 'reply', id, reply: answer })
      const travels = this.answersTake(request.kind)
      if (travels === 0) arrive()
      else this.#at(travels, arrive)
    })
  }

  #leave(from: Address): void {
    for (let i = 0; i < this.#out.count; i++) {
      const [bytes, to] = [this.#out.at(i).slice(), this.#out.addressOf(i)]
      const delays = this.fate(bytes, formatAddress(from.words), formatAddress(to.words))
      for (const delay of delays) this.#at(delay, () => this.#arrive(bytes, from, to))
    }
    this.#out.clear()
  }

  #arrive(bytes: Uint8Array, from: Address, to: Address): void {
    const arrived = new Batch()
    arrived.push(bytes, from.words)
    const target = formatAddress(to.words)
    const node = this.nodes.find(({ address }) => formatAddress(address.words) === target)
    if (node?.alive) {
      node.machine.receive(arrived, this.#out, this.now)
      this.#after(node)
    }
    const peer = this.peers.find(({ address }) => formatAddress(address.words) === target)
    peer?.receive(arrived, 0, this.now)
  }

  #at(delay: number, run: () => void): void {
    this.#events.push({ at: this.now + delay, run })
  }
}

const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill((n + 20) & 255).fill(n >> 8, 0, 1)

const names = new Map<PeerId, string>()

export const nameOf = (peer: PeerId): string => names.get(peer) ?? peer

export const userId = (name: string): UserId => `u_${name.padEnd(16, 'a')}` as UserId

export const networkId = (name: string): NetworkId => `n_${name.padEnd(16, 'a')}` as NetworkId

export function ticketFor(identity: Identity, user: string, now: number, lifeMs = 3600_000): string {
  const seconds = Math.floor(now / 1000)
  const times = { iat: seconds, exp: seconds + lifeMs / 1000 }
  const claims = { sub: identity.peer, usr: userId(user), ...times }
  const signed = `${part({ alg: 'EdDSA', kid: 'k1' })}.${part(claims)}`
  return `${signed}.${Buffer.from(sign(ISSUER, Buffer.from(signed))).toString('base64url')}`
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function leaseOf({ id, address }: WorldNode, now: number) {
  const [checkpoint] = [formatAddress(address.words)]
  return {
    node: id,
    roles: ['checkpoint', 'handshake'] as const,
    publicKey: '',
    addresses: { checkpoint: [checkpoint], handshake: [checkpoint.replace('3480', '3481')] },
    load: 0,
    draining: false,
    startedAt: START,
    expiresAtSeconds: now / 1000 + 3600,
  }
}
