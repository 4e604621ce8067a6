/**
 * A node of the fleet with all its roles on one host: what udp-edge does with the same machines. It registers a lease and
 * renews it, learns of the fleet, asks the tables, takes pushes. Killed, it says nothing to anybody: its lease runs out.
 */
import { RelayMachine } from '../../shared/core/relay/relay-machine.ts'
import { type StunEnds, type StunInput, StunServer } from '../../shared/core/stun/stun-server.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { type NodeId, toBase32 } from '../../shared/ids.ts'
import { addressOf, parseAddress } from '../../shared/wire/address.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import { Process } from './process.ts'
import type { System } from './system.ts'

const PORTS = { checkpoint: 4000, handshake: 4001, stun: [3478, 3479], relay: 4002 } as const
/** As udp-edge/lease.ts has them. */
const LEASE_MS = 30_000
const RENEW_MS = 10_000

export class Node {
  readonly id: NodeId
  readonly host: Host
  draining = false
  readonly #system: System
  readonly #dice: Dice
  readonly #identity: Identity
  #processes: { kill(): void }[] = []
  #stun: Process<StunInput, never> | undefined
  #startedAt = 0
  #run = 0

  constructor(system: System, name: string) {
    this.#system = system
    this.#dice = system.world.dice.fork(name)
    this.#identity = identityOf(this.#dice.bytes(32))
    this.id = `node_${toBase32(this.#dice.bytes(5))}` as NodeId
    this.host = system.internet.server(name)
  }

  get alive(): boolean {
    return this.#processes.length > 0
  }

  start(): void {
    this.#run++
    this.#startedAt = this.#system.world.now
    this.draining = false
    this.#startStun()
    this.#startRelay()
    this.#renew(this.#run)
  }

  /** Vanishes. */
  kill(): void {
    for (const process of this.#processes) process.kill()
    this.#processes = []
    this.#run++
    this.#system.cloud.disconnect(this.id)
  }

  #startStun(): void {
    const { fleetKey } = this.#system
    const server = new StunServer({ own: endsOf(this.host), fleetKeys: [fleetKey], seed: this.#seed('stun') })
    const sockets = PORTS.stun.map((port) => ({ port }))
    this.#stun = new Process<StunInput, never>(this.host, server, sockets, () => {})
    this.#processes.push(this.#stun)
  }

  #startRelay(): void {
    const machine = new RelayMachine({ fleetKeys: [this.#system.fleetKey], seed: this.#seed('relay') })
    this.#processes.push(new Process(this.host, machine, [{ port: PORTS.relay }], () => {}))
  }

  /** Writes the lease and reads those of the others, as long as this run of the node lasts. */
  #renew(run: number): void {
    if (run !== this.#run) return
    this.#system.cloud.write((tables) => tables.setLease(this.#lease()))
    this.#learn()
    this.#system.world.after(RENEW_MS, () => this.#renew(run))
  }

  #learn(): void {
    const partner = [...this.#system.cloud.tables.fleet.values()].find(({ node }) => node !== this.id)
    this.#stun?.handle({ kind: 'partner', partner: partner && endsOfLease(partner) })
  }

  #lease(): FleetItem {
    const at = (port: number) => `${this.host.ips[0]}:${port}`
    return {
      node: this.id,
      roles: ['checkpoint', 'handshake', 'stun', 'relay'],
      publicKey: toBase32(this.#identity.staticPublic),
      addresses: {
        checkpoint: [at(PORTS.checkpoint)],
        handshake: [at(PORTS.handshake)],
        stun: PORTS.stun.map(at),
        relay: [at(PORTS.relay)],
      },
      load: 0,
      draining: this.draining,
      startedAt: this.#startedAt,
      expiresAtSeconds: Math.ceil((this.#system.world.now + LEASE_MS) / 1000),
    }
  }

  #seed(what: string): Uint8Array {
    return this.#dice.fork(`${what} ${this.#run}`).bytes(32)
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
