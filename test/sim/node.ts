/**
 * A node of the fleet with all roles on one host. It does what udp-edge does with the same machines: it registers and renews
 * a lease, learns of the fleet, sends requests to the tables and receives pushes. A killed node tells nobody; its lease
 * expires.
 */
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import type { CheckpointEffect, CheckpointInput } from '../../shared/core/checkpoint/events.ts'
import type { HandshakeEffect, HandshakeInput } from '../../shared/core/handshake/events.ts'
import { HandshakeMachine } from '../../shared/core/handshake/handshake-machine.ts'
import { type RelayEffect, type RelayInput, RelayMachine } from '../../shared/core/relay/relay-machine.ts'
import { type StunEnds, type StunInput, StunServer } from '../../shared/core/stun/stun-server.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { type NodeId, toBase32 } from '../../shared/ids.ts'
import { addressOf, parseAddress } from '../../shared/wire/address.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import type { LinkProfile } from './link.ts'
import { Process } from './process.ts'
import type { System } from './system.ts'

const PORTS = { checkpoint: 4000, handshake: 4001, stun: [3478, 3479], relay: 4002 } as const
/** The values of udp-edge/lease.ts. */
const LEASE_MS = 30_000
const RENEW_MS = 10_000
/** Time until the WebSocket to the gateway is open. */
const CONNECT_MS = 60
/** Time limit of a drain. Tunnels and legs that remain after it end. */
const DRAIN_MS = 60_000
const MAX_TUNNELS = 1000

/** The location of a node, and its link to the core. */
export interface Region {
  readonly name: string
  readonly link: LinkProfile
}

interface Services {
  readonly checkpoint: Process<CheckpointInput, CheckpointEffect>
  readonly handshake: Process<HandshakeInput, HandshakeEffect>
  readonly stun: Process<StunInput, never>
  readonly relay: Process<RelayInput, RelayEffect>
}

export class Node {
  readonly id: NodeId
  readonly host: Host
  draining = false
  /** Machine of the current run, or of the last one. */
  checkpoint: CheckpointMachine | undefined
  handshake: HandshakeMachine | undefined
  relay: RelayMachine | undefined
  readonly #system: System
  readonly #dice: Dice
  readonly #identity: Identity
  readonly #region: string | undefined
  #services: Services | undefined
  #load = 0
  #startedAt = 0
  #runs = 0

  constructor(system: System, name: string, region?: Region) {
    this.#system = system
    this.#dice = system.world.dice.fork(name)
    this.#identity = identityOf(this.#dice.bytes(32))
    this.id = `node_${toBase32(this.#dice.bytes(5))}` as NodeId
    const overTcp = [PORTS.checkpoint, PORTS.handshake, PORTS.relay]
    this.host = system.internet.server(name, { overTcp, ...(region && { link: region.link }) })
    this.#region = region?.name
  }

  get alive(): boolean {
    return this.#services !== undefined
  }

  start(): void {
    this.#runs++
    this.#startedAt = this.#system.world.now
    this.draining = false
    const services = {
      checkpoint: this.#startCheckpoint(),
      handshake: this.#startHandshake(),
      stun: this.#startStun(),
      relay: this.#startRelay(),
    }
    this.#services = services
    this.#renew(services)
    this.#system.world.after(CONNECT_MS, () => this.#connect(services))
  }

  /** Stops without telling anybody. */
  kill(): void {
    for (const process of Object.values(this.#services ?? {})) process.kill()
    this.#services = undefined
    this.#system.cloud.disconnect(this.id)
  }

  /** Refuses new work and asks the connected peers to leave. */
  drain(): void {
    this.draining = true
    this.#register()
    const until = this.host.clock + DRAIN_MS
    this.#services?.checkpoint.handle({ kind: 'drain' })
    this.#services?.handshake.handle({ kind: 'drain', until })
    this.#services?.relay.handle({ kind: 'drain', until })
  }

  /** Stops in an orderly way: ends its lease first. */
  leave(): void {
    this.#system.cloud.write((tables) => tables.endLease(this.id))
    this.kill()
  }

  #startCheckpoint(): Services['checkpoint'] {
    const { cloud, fleetKey, issuer } = this.#system
    this.checkpoint = new CheckpointMachine({
      node: this.id,
      identity: { publicKey: this.#identity.staticPublic, secretKey: this.#identity.staticSecret },
      fleetKeys: [fleetKey],
      ticketKeys: issuer.keys,
      seed: this.#seed('checkpoint'),
      now: this.host.clock,
      capacity: this.#system.capacity,
    })
    const perform = (effect: CheckpointEffect): void => {
      if (effect.kind === 'metrics') this.#load = effect.load
      if (effect.kind !== 'ask') return
      const { id, request } = effect
      cloud.ask(request, (reply) => process.handle({ kind: 'reply', id, reply }))
    }
    const process = new Process(this.host, this.checkpoint, [{ port: PORTS.checkpoint }], perform)
    return process
  }

  #startHandshake(): Services['handshake'] {
    const { cloud, fleetKey } = this.#system
    const options = { seed: this.#seed('handshake'), fleetKeys: [fleetKey], node: this.id }
    this.handshake = new HandshakeMachine(options)
    const perform = (effect: HandshakeEffect): void => {
      if (effect.kind === 'history') cloud.remember(effect.pair, effect.technique)
      if (effect.kind !== 'recall') return
      const { pair, tunnel } = effect
      cloud.recall(pair, (technique) =>
        process.handle({ kind: 'history', tunnel, ...(technique && { technique }) }),
      )
    }
    const process = new Process(this.host, this.handshake, [{ port: PORTS.handshake }], perform)
    return process
  }

  #startStun(): Services['stun'] {
    const { fleetKey } = this.#system
    const server = new StunServer({ own: endsOf(this.host), fleetKeys: [fleetKey], seed: this.#seed('stun') })
    const sockets = PORTS.stun.map((port) => ({ port }))
    return new Process<StunInput, never>(this.host, server, sockets, () => {})
  }

  #startRelay(): Services['relay'] {
    const { fleetKey } = this.#system
    const options = { seed: this.#seed('relay'), fleetKeys: [fleetKey], maxTunnels: MAX_TUNNELS }
    this.relay = new RelayMachine(options)
    return new Process(this.host, this.relay, [{ port: PORTS.relay }], () => {})
  }

  #connect(services: Services): void {
    if (services !== this.#services) return
    services.checkpoint.handle({ kind: 'pushesBack' })
    this.#system.cloud.connect(this.id, (push) => {
      services.checkpoint.handle({ kind: 'push', push })
      if (push.kind === 'fleet') this.#learn(services)
    })
  }

  /** Writes its lease and reads the leases of the others, for as long as this run of the node lasts. */
  #renew(services: Services): void {
    if (services !== this.#services) return
    this.#register()
    this.#learn(services)
    this.#system.world.after(RENEW_MS, () => this.#renew(services))
  }

  #register(): void {
    this.#system.cloud.write((tables) => tables.setLease(this.#lease()))
  }

  #learn({ checkpoint, handshake, stun }: Services): void {
    const items = this.#system.leases()
    checkpoint.handle({ kind: 'fleet', nodes: items })
    handshake.handle({ kind: 'fleet', items })
    const partner = items.find(({ node }) => node !== this.id)
    stun.handle({ kind: 'partner', partner: partner && endsOfLease(partner) })
  }

  #lease(): FleetItem {
    const [four, six] = this.host.ips
    const at = (port: number) => `${four}:${port}`
    const each = (port: number) => (this.#system.ipv6 ? [at(port), `[${six}]:${port}`] : [at(port)])
    return {
      node: this.id,
      roles: ['checkpoint', 'handshake', 'stun', 'relay'],
      publicKey: toBase32(this.#identity.staticPublic),
      addresses: {
        checkpoint: each(PORTS.checkpoint),
        handshake: each(PORTS.handshake),
        stun: PORTS.stun.map(at),
        relay: each(PORTS.relay),
      },
      ...(this.#region !== undefined && { region: this.#region }),
      load: this.#load,
      draining: this.draining,
      startedAt: this.#startedAt,
      expiresAtSeconds: Math.ceil((this.#system.world.now + LEASE_MS) / 1000),
    }
  }

  #seed(what: string): Uint8Array {
    return this.#dice.fork(`${what} ${this.#runs}`).bytes(32)
  }
}

function endsOf(host: Host): StunEnds {
  const [primary, alternate] = PORTS.stun.map((port) => addressOf(host.ips[0]!, port)!)
  return { ipv4: [primary!, alternate!] }
}

function endsOfLease({ addresses }: FleetItem): StunEnds {
  const [primary, alternate] = (addresses.stun ?? []).map((text) => parseAddress(text)!)
  return primary && alternate ? { ipv4: [primary, alternate] } : {}
}
