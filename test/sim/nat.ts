/**
 * A NAT as RFC 4787 describes them: how it maps, how it filters, how it chooses ports, how long it remembers. Pure: ports
 * in, ports out; whoever owns it (router.ts, or a test) puts the outside IP in.
 *
 * Filtering belongs to a mapping: what an inside endpoint has sent through one mapping opens no other one.
 *
 * A router that takes unsolicited packets for its own (`accept`) is poisoned by them, as Linux is: such a packet leaves an
 * entry for (remote, outside port), so that a later packet to that very remote cannot leave from that port and gets
 * another one. Each further packet keeps the entry alive. Silent routers (`drop`) leave no entry.
 */
import type { Dice } from './dice.ts'
import { type Dependence, type Lifetimes, Mapping, scopeOf } from './mapping.ts'
import { type Endpoint, textOf } from './packet.ts'
import { type Allocation, Ports } from './ports.ts'

export interface NatBehaviour extends Lifetimes {
  readonly mapping: Dependence
  readonly filtering: Dependence
  readonly allocation: Allocation
  /** Whether inside hosts reach each other through the outside address. */
  readonly hairpin: boolean
  readonly unsolicited: 'drop' | 'accept'
}

export class Nat {
  readonly behaviour: NatBehaviour
  readonly #dice: Dice
  #ports: Ports
  readonly #byKey = new Map<string, Mapping>()
  readonly #byPort = new Map<number, Set<Mapping>>()
  /** `remote port` of unsolicited packets, and until when each is remembered. */
  readonly #poison = new Map<string, number>()

  constructor(behaviour: NatBehaviour, dice: Dice) {
    this.behaviour = behaviour
    this.#dice = dice
    this.#ports = new Ports(behaviour.allocation, dice)
  }

  /** The outside port from which this packet leaves; undefined when there is none left for it. */
  outbound(inside: Endpoint, remote: Endpoint, now: number): number | undefined {
    const mapping = this.#mappingFor(inside, remote, now)
    mapping?.sent(remote, now)
    return mapping?.port
  }

  /** The inside endpoint that gets this packet; undefined when it is refused. */
  inbound(port: number, remote: Endpoint, now: number): Endpoint | undefined {
    for (const mapping of this.#living(port, now)) if (mapping.admits(remote, now)) return mapping.inside
    if (this.behaviour.unsolicited === 'accept') {
      this.#poison.set(poisonKey(port, remote), now + this.behaviour.unrepliedMs)
    }
    return undefined
  }

  /** The router was restarted: every mapping is gone. */
  forget(): void {
    this.#byKey.clear()
    this.#byPort.clear()
    this.#poison.clear()
    this.#ports = new Ports(this.behaviour.allocation, this.#dice)
  }

  #mappingFor(inside: Endpoint, remote: Endpoint, now: number): Mapping | undefined {
    const key = keyOf(this.behaviour.mapping, inside, remote)
    const detour = `detour ${keyOf('address-and-port-dependent', inside, remote)}`
    const known = this.#alive(detour, now) ?? this.#alive(key, now)
    if (known !== undefined && !this.#poisoned(known.port, remote, now)) return known
    return this.#open(known === undefined ? key : detour, inside, remote, now)
  }

  #open(key: string, inside: Endpoint, remote: Endpoint, now: number): Mapping | undefined {
    const port = this.#ports.choose(inside, (port) => this.#free(port, remote, now))
    if (port === undefined) return undefined
    const mapping = new Mapping(inside, port, this.behaviour.filtering, this.behaviour, now)
    this.#byKey.set(key, mapping)
    this.#living(port, now).add(mapping)
    return mapping
  }

  #free(port: number, remote: Endpoint, now: number): boolean {
    if (this.#poisoned(port, remote, now)) return false
    const holders = this.#living(port, now)
    if (this.behaviour.allocation.kind !== 'overloading') return holders.size === 0
    return ![...holders].some((mapping) => mapping.talkedTo(remote))
  }

  #poisoned(port: number, remote: Endpoint, now: number): boolean {
    return now < (this.#poison.get(poisonKey(port, remote)) ?? 0)
  }

  #alive(key: string, now: number): Mapping | undefined {
    const mapping = this.#byKey.get(key)
    return mapping?.alive(now) ? mapping : undefined
  }

  /** The mappings that hold this port; ended ones are let go of. */
  #living(port: number, now: number): Set<Mapping> {
    const holders = this.#byPort.get(port) ?? new Set()
    this.#byPort.set(port, holders)
    for (const mapping of holders) if (!mapping.alive(now)) holders.delete(mapping)
    return holders
  }
}

const keyOf = (mapping: Dependence, inside: Endpoint, remote: Endpoint): string =>
  `${textOf(inside)} ${scopeOf(mapping, remote)}`

const poisonKey = (port: number, remote: Endpoint): string => `${textOf(remote)} ${port}`
