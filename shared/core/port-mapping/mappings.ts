/** The mappings that are wanted, and what becomes of each as services give, refuse and forget them. */
import type { Random } from '../../crypto/random.ts'
import { type Address, sameAddress } from '../../wire/address.ts'
import { PCP_NONCE_BYTES } from '../../wire/port-mapping-pcp.ts'
import type { Service } from './dialects.ts'
import type { PortMappingEffect } from './events.ts'
import { Mapping } from './mapping.ts'

/** Below are the ports of services that a household may run. */
const LEAST_EXTERNAL_PORT = 10_000
const EXTERNAL_PORTS = 0x10000 - LEAST_EXTERNAL_PORT
/** UPnP does not choose another port by itself. */
const MAX_TAKEN = 4
const never = Number.POSITIVE_INFINITY

export class Mappings {
  refusals = 0
  readonly #random: Random
  /** Those that have answered, best first. */
  readonly #present: () => readonly Service[]
  readonly #byPort = new Map<number, Mapping>()
  #effects: PortMappingEffect[] = []

  constructor(random: Random, present: () => readonly Service[]) {
    this.#random = random
    this.#present = present
  }

  get any(): boolean {
    return this.#byPort.size > 0
  }

  /** Where the service was asked for it, or has given it. */
  of(port: number, service: Service): Mapping | undefined {
    const mapping = this.#byPort.get(port)
    return mapping?.service === service ? mapping : undefined
  }

  open(port: number, now: number): void {
    const known = this.#byPort.get(port)
    if (known?.state.kind === 'leaving') known.ask(known.state.service, now)
    if (known !== undefined) return
    const mapping = new Mapping(port, this.#random.bytes(PCP_NONCE_BYTES), this.#anyPort())
    this.#byPort.set(port, mapping)
    this.#choose(mapping, now)
  }

  close(port: number, now: number): void {
    const mapping = this.#byPort.get(port)
    const service = mapping?.service
    if (mapping === undefined || service === undefined) this.#forget(port)
    else if (mapping.state.kind !== 'leaving') mapping.leave(service, now)
  }

  /** Another gateway: what the one before holds is out of reach. */
  abandon(): void {
    for (const mapping of [...this.#byPort.values()]) {
      mapping.refusedBy.clear()
      if (mapping.state.kind === 'leaving') this.#forget(mapping.port)
      else this.#lose(mapping)
    }
  }

  /** The gateway may have forgotten those that the service holds, or all of them. */
  doubt(service: Service | undefined, now: number): void {
    for (const mapping of this.#byPort.values())
      if (service === undefined || mapping.service === service) mapping.doubt(now)
  }

  /** Whoever refused may have changed its mind. */
  retry(now: number): void {
    for (const mapping of this.#byPort.values()) mapping.refusedBy.clear()
    this.chooseAll(now)
  }

  /** A service has answered. */
  chooseAll(now: number): void {
    for (const mapping of this.#byPort.values())
      if (mapping.state.kind === 'waiting') this.#choose(mapping, now)
  }

  /** Those whose service is to be asked now. */
  due(now: number): Mapping[] {
    return [...this.#byPort.values()].filter((mapping) => {
      const due = mapping.due(now)
      if (due === 'unanswered') this.refused(mapping, now)
      if (due === 'expired') {
        this.#lose(mapping)
        this.#choose(mapping, now)
      }
      return due === 'ask' || mapping.due(now) === 'ask'
    })
  }

  deadline(): number {
    let least = never
    for (const mapping of this.#byPort.values()) least = Math.min(least, mapping.deadline())
    return least
  }

  effect(): PortMappingEffect | undefined {
    return this.#effects.shift()
  }

  /** A late answer to a wish that is no longer one is not the answer to its deletion. */
  granted(mapping: Mapping, external: Address, lifetimeSeconds: number, now: number): void {
    const { state, port } = mapping
    if (state.kind !== 'asking' && state.kind !== 'held') return
    const same = state.kind === 'held' && sameAddress(state.external.words, 0, external.words, 0)
    mapping.hold(state.service, external, lifetimeSeconds, now)
    if (!same) this.#effects.push({ kind: 'mapped', port, external, service: state.service })
  }

  /** The service refuses, or does not answer. */
  refused(mapping: Mapping, now: number): void {
    const { service } = mapping
    this.refusals++
    if (mapping.state.kind === 'leaving') this.#forget(mapping.port)
    else if (service !== undefined) {
      mapping.refusedBy.add(service)
      this.#lose(mapping)
      this.#choose(mapping, now)
    }
  }

  /** Somebody else has the external port. */
  taken(mapping: Mapping, now: number): void {
    if (mapping.state.kind !== 'asking' || ++mapping.taken === MAX_TAKEN) {
      this.refused(mapping, now)
      return
    }
    mapping.externalPort = this.#anyPort()
    mapping.ask(mapping.state.service, now)
  }

  /** Late, where it is wanted again by now: then the service is being asked for it anew. */
  deleted({ state, port }: Mapping): void {
    if (state.kind === 'leaving') this.#forget(port)
  }

  #choose(mapping: Mapping, now: number): void {
    const service = this.#present().find((each) => !mapping.refusedBy.has(each))
    if (service !== undefined) mapping.ask(service, now)
  }

  #lose(mapping: Mapping): void {
    if (mapping.state.kind === 'held') this.#effects.push({ kind: 'unmapped', port: mapping.port })
    mapping.wait()
  }

  #forget(port: number): void {
    this.#byPort.delete(port)
    this.#effects.push({ kind: 'closed', port })
  }

  #anyPort(): number {
    return LEAST_EXTERNAL_PORT + this.#random.below(EXTERNAL_PORTS)
  }
}
