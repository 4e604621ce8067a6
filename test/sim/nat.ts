/**
 * A NAT in the terms of RFC 4787: mapping, filtering, port allocation and lifetimes. It is pure and works on ports only. Its
 * owner (router.ts or a test) adds the outside IP.
 *
 * Filtering belongs to a mapping. A packet that an inside endpoint sends through one mapping opens no other mapping.
 *
 * A router that accepts unsolicited packets for itself (`accept`) is poisoned by them, like Linux. Such a packet leaves an
 * entry for (remote, outside port). A later packet to that remote cannot leave from that port and gets another one. Each
 * further packet keeps the entry alive. Silent routers (`drop`) leave no entry.
 */
import type { Dice } from './dice.ts'
import { type Dependence, type Lifetimes, Mapping, scopeOf } from './mapping.ts'
import { type Endpoint, textOf } from './packet.ts'
import { type Allocation, isOverloading, Ports } from './ports.ts'

export interface NatBehaviour extends Lifetimes {
  readonly mapping: Dependence
  readonly filtering: Dependence
  readonly allocation: Allocation
  /** True if inside hosts reach each other through the outside address. */
  readonly hairpin: boolean
  readonly unsolicited: 'drop' | 'accept'
}

/** Range of forwarded ports. Routers choose them at random, so that two hosts do not ask for the same port. */
const FORWARDED = { low: 20_000, high: 65_535 }

export class Nat {
  readonly behaviour: NatBehaviour
  readonly #dice: Dice
  #ports: Ports
  readonly #byKey = new Map<string, Mapping>()
  readonly #byPort = new Map<number, Set<Mapping>>()
  readonly #forwards = new Map<number, Endpoint>()
  /**
   * The mapping that last sent from a port to a remote, by `remote port`. A map, because a port may have thousands of
   * mappings.
   */
  readonly #byFlow = new Map<string, Mapping>()
  /** Expiry times of the entries that unsolicited packets left, by `remote port`. */
  readonly #poison = new Map<string, number>()

  constructor(behaviour: NatBehaviour, dice: Dice) {
    this.behaviour = behaviour
    this.#dice = dice
    this.#ports = new Ports(behaviour.allocation, dice)
  }

  /** Returns the outside port from which this packet leaves; undefined if no port is left for it. */
  outbound(inside: Endpoint, remote: Endpoint, now: number): number | undefined {
    const mapping = this.#mappingFor(inside, remote, now)
    if (mapping === undefined) return undefined
    mapping.sent(remote, now)
    this.#byFlow.set(flowKey(mapping.port, remote), mapping)
    return mapping.port
  }

  /** Forwards a port that a host asked for: all packets to it go to `inside`. Each inside endpoint gets one such port. */
  forward(inside: Endpoint): number {
    for (const [port, holder] of this.#forwards) if (textOf(holder) === textOf(inside)) return port
    for (;;) {
      const port = this.#dice.between(FORWARDED.low, FORWARDED.high)
      if (this.#byPort.has(port) || this.#forwards.has(port)) continue
      this.#forwards.set(port, inside)
      return port
    }
  }

  /** Returns the inside endpoint that receives this packet; undefined if the filter rejects it. */
  inbound(port: number, remote: Endpoint, now: number): Endpoint | undefined {
    const forwarded = this.#forwards.get(port)
    if (forwarded !== undefined) {
      this.#answerFrom(port, forwarded, remote, now)
      return forwarded
    }
    const mapping = this.#admitting(port, remote, now)
    if (mapping !== undefined) return mapping.inside
    if (this.behaviour.unsolicited === 'accept') {
      this.#poison.set(flowKey(port, remote), now + this.behaviour.unrepliedMs)
    }
    return undefined
  }

  /** Drops every mapping, as when the router restarts. */
  forget(): void {
    this.#byKey.clear()
    this.#byPort.clear()
    this.#byFlow.clear()
    this.#forwards.clear()
    this.#poison.clear()
    this.#ports = new Ports(this.behaviour.allocation, this.#dice)
  }

  #admitting(port: number, remote: Endpoint, now: number): Mapping | undefined {
    const flow = this.#byFlow.get(flowKey(port, remote))
    if (flow?.admits(remote, now)) return flow
    if (this.behaviour.filtering === 'address-and-port-dependent') return undefined
    for (const mapping of this.#living(port, now)) if (mapping.admits(remote, now)) return mapping
    return undefined
  }

  #mappingFor(inside: Endpoint, remote: Endpoint, now: number): Mapping | undefined {
    const key = keyOf(this.behaviour.mapping, inside, remote)
    const detour = detourOf(inside, remote)
    const known = this.#alive(detour, now) ?? this.#alive(key, now)
    if (known !== undefined && !this.#poisoned(known.port, remote, now)) return known
    return this.#open(known === undefined ? key : detour, inside, remote, now)
  }

  /** Makes answers to a packet that came through a forwarded port leave from that port, whatever the mapping. */
  #answerFrom(port: number, inside: Endpoint, remote: Endpoint, now: number): void {
    const detour = detourOf(inside, remote)
    const known = this.#alive(detour, now)
    const mapping =
      known?.port === port ? known : new Mapping(inside, port, this.behaviour.filtering, this.behaviour, now)
    this.#byKey.set(detour, mapping)
    mapping.sent(remote, now)
  }

  #open(key: string, inside: Endpoint, remote: Endpoint, now: number): Mapping | undefined {
    const port = this.#ports.choose(inside, (port) => this.#free(port, remote, now), now)
    if (port === undefined) return undefined
    const mapping = new Mapping(inside, port, this.behaviour.filtering, this.behaviour, now)
    this.#byKey.set(key, mapping)
    this.#holders(port).add(mapping)
    return mapping
  }

  #free(port: number, remote: Endpoint, now: number): boolean {
    if (this.#forwards.has(port) || this.#poisoned(port, remote, now)) return false
    if (!isOverloading(this.behaviour.allocation)) return this.#living(port, now).size === 0
    return this.#byFlow.get(flowKey(port, remote))?.alive(now) !== true
  }

  #poisoned(port: number, remote: Endpoint, now: number): boolean {
    return now < (this.#poison.get(flowKey(port, remote)) ?? 0)
  }

  #alive(key: string, now: number): Mapping | undefined {
    const mapping = this.#byKey.get(key)
    return mapping?.alive(now) ? mapping : undefined
  }

  /** Returns the mappings that hold this port, and drops those that have ended. */
  #living(port: number, now: number): Set<Mapping> {
    const holders = this.#holders(port)
    for (const mapping of holders) if (!mapping.alive(now)) holders.delete(mapping)
    return holders
  }

  #holders(port: number): Set<Mapping> {
    const holders = this.#byPort.get(port) ?? new Set()
    this.#byPort.set(port, holders)
    return holders
  }
}

const keyOf = (mapping: Dependence, inside: Endpoint, remote: Endpoint): string =>
  `${textOf(inside)} ${scopeOf(mapping, remote)}`

/** Key of a mapping for one remote that differs from the mapping for the others. */
const detourOf = (inside: Endpoint, remote: Endpoint): string =>
  `detour ${keyOf('address-and-port-dependent', inside, remote)}`

const flowKey = (port: number, remote: Endpoint): string => `${textOf(remote)} ${port}`
