/**
 * Maps ports of the default gateway to UDP ports of this host, by PCP (RFC 6887), NAT-PMP (RFC 6886) and UPnP IGD.
 *
 * - All three services are asked at the same time, when the first port is requested and whenever the network changes.
 *   That creates no mapping. The first service that answers is asked for one; if it refuses, the next one is.
 * - The external port is random, so that two hosts behind one gateway do not request the same one. A mapping is
 *   requested for two hours, as RFC 6886 recommends. It is renewed at half of the granted lifetime, and deleted when it
 *   is no longer needed.
 * - The services are asked again every CHECK_MS. Each answer tells how long the gateway has had its mappings (its
 *   epoch), and so do announcements after a restart. If the gateway has lost its mappings, all are requested again.
 *   UPnP has no epoch: its mappings are renewed at each check.
 * - The machine sends only to the gateway, and accepts datagrams only from it.
 *
 * UPnP is HTTP. The driver of this machine carries it out: the machine emits effects, which inputs answer.
 */
import { sameBytes } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, type Address, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Machine } from '../machine.ts'
import { DIALECTS, type Reply, type Service, withPort } from './dialects.ts'
import type { Network, PortMappingEffect, PortMappingInput } from './events.ts'
import type { Mapping } from './mapping.ts'
import { Mappings } from './mappings.ts'
import { Services } from './services.ts'

const LIFETIME_SECONDS = 7200
const CHECK_MS = 600_000
const never = Number.POSITIVE_INFINITY

export interface PortMappingCounters {
  /** Datagrams that did not come from the gateway. */
  foreign: number
  /** Datagrams of no known protocol, or about a mapping that is not ours. */
  unknown: number
  /** How often the gateway had lost its mappings. */
  lost: number
}

export class PortMappingMachine implements Machine<PortMappingInput, PortMappingEffect> {
  readonly counters: PortMappingCounters = { foreign: 0, unknown: 0, lost: 0 }
  readonly #mappings: Mappings
  #network: Network | undefined
  #services: Services | undefined
  #checkAt = never
  #surveying = false
  #effects: PortMappingEffect[] = []

  /** `seed`: 32 bytes. */
  constructor(seed: Uint8Array) {
    this.#mappings = new Mappings(new Random(seed), () => this.#services?.present ?? [])
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      if (this.#isGateway(arrived, i)) this.#take(arrived.at(i), now)
      else this.counters.foreign++
    }
    this.tick(out, now)
  }

  handle(input: PortMappingInput, out: Batch, now: number): void {
    this.#handle(input, now)
    this.tick(out, now)
  }

  tick(out: Batch, now: number): void {
    if (this.#network !== undefined && this.#services !== undefined) {
      if (now >= this.#checkAt) this.#check(now)
      for (const service of this.#services.due(now)) this.#probe(service, this.#network, out)
      for (const mapping of this.#mappings.due(now)) this.#ask(mapping, this.#network, out)
    }
    this.#tellSurvey()
  }

  deadline(): number {
    if (this.#network === undefined || this.#services === undefined) return never
    const checkAt = this.#mappings.any ? this.#checkAt : never
    return Math.min(this.#services.deadline(), this.#mappings.deadline(), checkAt)
  }

  poll(): PortMappingEffect | undefined {
    return this.#mappings.effect() ?? this.#effects.shift()
  }

  #handle(input: PortMappingInput, now: number): void {
    switch (input.kind) {
      case 'network':
        this.#onNetwork(input.network, now)
        break
      case 'open':
        this.#begin(now)
        this.#mappings.open(input.port, now)
        break
      case 'close':
        this.#mappings.close(input.port, now)
        break
      case 'survey':
        this.#surveying = true
        this.#begin(now)
        break
      case 'upnpFound':
        this.#onHere('upnp', input.external, now)
        break
      case 'upnpAbsent':
        this.#services?.silent('upnp')
        break
      default:
        this.#onUpnp(input, now)
    }
  }

  #onNetwork(network: Network | undefined, now: number): void {
    const before = this.#network
    this.#network = network
    if (before !== undefined && network !== undefined && isSame(before, network)) {
      this.#mappings.doubt(undefined, now)
      this.#check(now)
      return
    }
    this.#services = undefined
    this.#mappings.abandon()
    if (this.#mappings.any || this.#surveying) this.#begin(now)
  }

  #begin(now: number): void {
    if (this.#network === undefined || this.#services !== undefined) return
    this.#services = new Services(now)
    this.#checkAt = now + CHECK_MS
  }

  #check(now: number): void {
    this.#checkAt = now + CHECK_MS
    this.#services?.check(now)
    this.#mappings.doubt('upnp', now)
    this.#mappings.retry(now)
  }

  #probe(service: Service, { gateway, local }: Network, out: Batch): void {
    if (service === 'upnp') this.#effects.push({ kind: 'findUpnp' })
    else out.push(DIALECTS[service].probe(local), gateway.words)
  }

  #ask({ port, nonce, externalPort, state }: Mapping, { gateway, local }: Network, out: Batch): void {
    if (state.kind === 'waiting') return
    const lifetimeSeconds = state.kind === 'leaving' ? 0 : LIFETIME_SECONDS
    if (state.service !== 'upnp') {
      const wish = { client: withPort(local.words, port), nonce, externalPort, lifetimeSeconds }
      out.push(DIALECTS[state.service].wish(wish), gateway.words)
      return
    }
    state.question?.entrust()
    if (state.kind === 'leaving') this.#effects.push({ kind: 'unmapUpnp', port, externalPort })
    else this.#effects.push({ kind: 'mapUpnp', port, externalPort, lifetimeSeconds })
  }

  #isGateway(arrived: Batch, i: number): boolean {
    const gateway = this.#network?.gateway.words
    return gateway !== undefined && sameAddress(arrived.address, i * ADDRESS_WORDS, gateway, 0)
  }

  #take(bytes: Uint8Array, now: number): void {
    for (const service of ['pcp', 'natPmp'] as const) {
      const reply = DIALECTS[service].read(bytes)
      if (reply === undefined) continue
      this.#onReply(service, reply, now)
      return
    }
    this.counters.unknown++
  }

  #onReply(service: Service, reply: Reply, now: number): void {
    if (this.#services?.heard(service, reply.epochSeconds, now) === false) {
      this.counters.lost++
      this.#mappings.doubt(service, now)
    }
    if (reply.kind === 'unwilling') this.#services?.silent(service)
    else if (reply.kind === 'here') this.#onHere(service, reply.external, now)
    else this.#onMapping(service, reply, now)
  }

  #onHere(service: Service, external: Address | undefined, now: number): void {
    const before = this.#services?.externalOf(service)
    this.#services?.here(service, external)
    if (before && external && !sameIp(before.words, 0, external.words, 0)) this.#mappings.doubt(service, now)
    this.#mappings.chooseAll(now)
  }

  #onMapping(service: Service, reply: Reply & { kind: 'mapping' }, now: number): void {
    const mapping = this.#mappings.of(reply.port, service)
    if (mapping === undefined || (reply.nonce && !sameBytes(reply.nonce, mapping.nonce))) {
      this.counters.unknown++
      return
    }
    const ip = reply.external ?? this.#services?.externalOf(service)
    const { refused, externalPort, lifetimeSeconds } = reply
    if (refused || ip === undefined) this.#mappings.refused(mapping, now)
    else if (lifetimeSeconds === 0) this.#mappings.deleted(mapping)
    else this.#mappings.granted(mapping, withPort(ip.words, externalPort), lifetimeSeconds, now)
  }

  #onUpnp(input: Extract<PortMappingInput, { kind: `upnp${string}`; port: number }>, now: number): void {
    const mapping = this.#mappings.of(input.port, 'upnp')
    if (mapping === undefined) return
    if (input.kind === 'upnpMapped')
      this.#mappings.granted(mapping, input.external, input.lifetimeSeconds, now)
    else if (input.kind === 'upnpUnmapped') this.#mappings.deleted(mapping)
    else if (input.taken) this.#mappings.taken(mapping, now)
    else this.#mappings.refused(mapping, now)
  }

  #tellSurvey(): void {
    if (!this.#surveying || this.#services?.settled === false) return
    this.#surveying = false
    const services = this.#services?.present ?? []
    const external = services.map((each) => this.#services?.externalOf(each)).find((each) => each)
    this.#effects.push({ kind: 'surveyed', services, ...(external && { external }) })
  }
}

const isSame = (a: Network, b: Network): boolean =>
  sameAddress(a.gateway.words, 0, b.gateway.words, 0) && sameIp(a.local.words, 0, b.local.words, 0)
