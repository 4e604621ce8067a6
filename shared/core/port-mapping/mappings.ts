/** The requested mappings, and their changes as services grant, refuse and lose them. */
import type { Random } from '../../crypto/random.ts'
import { type Address, sameAddress } from '../../wire/address.ts'
import { PCP_NONCE_BYTES } from '../../wire/port-mapping-pcp.ts'
import type { Service } from './dialects.ts'
import type { PortMappingEffect } from './events.ts'
import { Mapping } from './mapping.ts'

/** Lower ports belong to services that a household may run. */
const LEAST_EXTERNAL_PORT = 10_000
const EXTERNAL_PORTS = 0x10000 - LEAST_EXTERNAL_PORT
/** Ports tried in turn if they are in use, as UPnP does not choose another port by itself. */
const MAX_TAKEN = 4
const never = Number.POSITIVE_INFINITY

export class Mappings {
  refusals = 0
  readonly #random: Random
  /** The services that have answered, best first. */
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

  /** The mapping of this port, if the service was asked for it or has granted it. */
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

  /** Forgets what was granted: mappings of the former gateway are out of reach. */
  abandon(): void {
    for (const mapping of [...this.#byPort.values()]) {
      mapping.refusedBy.clear()
      if (mapping.state.kind === 'leaving') this.#forget(mapping.port)
      else this.#lose(mapping)
    }
  }

  /** The gateway may have lost the mappings of this service, or of all services if it is undefined. */
  doubt(service: Service | undefined, now: number): void {
    for (const mapping of this.#byPort.values())
      if (service === undefined || mapping.service === service) mapping.doubt(now)
  }

  /** Asks services again that have refused: they may grant the mapping now. */
  retry(now: number): void {
    for (const mapping of this.#byPort.values()) mapping.refusedBy.clear()
    this.chooseAll(now)
  }

  /** A service has answered: requests the mappings that wait for one. */
  chooseAll(now: number): void {
    for (const mapping of this.#byPort.values())
      if (mapping.state.kind === 'waiting') this.#choose(mapping, now)
  }

  /** The mappings whose service is to be asked now. */
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

  /**
   * The service granted the mapping. Ignored if the mapping is no longer wanted: a late grant does not answer its
   * deletion.
   */
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

  /** The external port is in use. */
  taken(mapping: Mapping, now: number): void {
    if (mapping.state.kind !== 'asking' || ++mapping.taken === MAX_TAKEN) {
      this.refused(mapping, now)
      return
    }
    mapping.externalPort = this.#anyPort()
    mapping.ask(mapping.state.service, now)
  }

  /** The service deleted the mapping. Ignored if the mapping is wanted again: then the service is being asked for it. */
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
