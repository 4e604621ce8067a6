/** A router that speaks PCP, NAT-PMP and UPnP as configured, and the machine behind it, with a manual clock. */
import type { Service } from '../../../shared/core/port-mapping/dialects.ts'
import type {
  Network,
  PortMappingEffect,
  PortMappingInput,
  Survey,
} from '../../../shared/core/port-mapping/events.ts'
import { PortMappingMachine } from '../../../shared/core/port-mapping/port-mapping-machine.ts'
import { type Address, addressOf, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import {
  decodeNatPmpRequest,
  encodeNatPmpResponse,
  type NatPmpRequest,
} from '../../../shared/wire/port-mapping-nat-pmp.ts'
import {
  decodePcpRequest,
  encodePcpResponse,
  type PcpRequest,
} from '../../../shared/wire/port-mapping-pcp.ts'

export const HOME: Network = {
  gateway: parseAddress('192.168.1.1:5351')!,
  local: parseAddress('192.168.1.10:0')!,
}
const NOT_AUTHORISED = 2

/** A request to the gateway: `pcp announce`, `natPmp map 5000 for 7200` and so on. */
export type Asked = { readonly text: string; readonly at: number }

export class Gateway {
  speaks: readonly Service[]
  external = '203.0.113.2'
  /** Services that refuse mappings, but answer the probe whether they exist. */
  refuses: Service[] = []
  /** Longest mapping lifetime granted, in seconds. */
  longestSeconds = 86_400
  /** UPnP only: number of ports that are reported as taken. */
  takenPorts = 0
  /** Number of next datagrams to lose, in either direction. */
  loses = 0
  /** Mappings by internal port: external address, and the service that made the mapping. */
  readonly mappings = new Map<number, { service: Service; external: string }>()
  readonly asked: Asked[] = []
  bootedAt: number

  constructor(speaks: readonly Service[], now: number) {
    this.speaks = speaks
    this.bootedAt = now - 1_000_000
  }

  restart(now: number): void {
    this.mappings.clear()
    this.bootedAt = now
  }

  answer(bytes: Uint8Array, now: number): Uint8Array | undefined {
    const pcp = decodePcpRequest(bytes)
    if (pcp !== undefined) return this.#pcp(pcp, now)
    return this.#natPmp(decodeNatPmpRequest(bytes)!, now)
  }

  upnp(effect: PortMappingEffect, now: number): PortMappingInput | undefined {
    if (effect.kind === 'findUpnp') {
      this.#note('upnp find', now)
      if (!this.speaks.includes('upnp')) return { kind: 'upnpAbsent' }
      return { kind: 'upnpFound', external: this.#address(0) }
    }
    if (effect.kind === 'unmapUpnp') {
      this.#note(`upnp unmap ${effect.port}`, now)
      this.mappings.delete(effect.port)
      return { kind: 'upnpUnmapped', port: effect.port }
    }
    return effect.kind === 'mapUpnp' ? this.#mapUpnp(effect, now) : undefined
  }

  announcement(now: number): Uint8Array {
    return encodePcpResponse({
      kind: 'announce',
      result: 0,
      lifetimeSeconds: 0,
      epochSeconds: this.#epoch(now),
    })
  }

  #pcp(request: PcpRequest, now: number): Uint8Array | undefined {
    if (request.kind === 'announce') {
      this.#note('pcp announce', now)
      return this.speaks.includes('pcp') ? this.announcement(now) : undefined
    }
    const { client, nonce, lifetimeSeconds: wished } = request
    const internalPort = client.words[4]!
    this.#note(`pcp map ${internalPort} for ${wished}`, now)
    const given = this.#give('pcp', internalPort, request.external.words[4]!, wished)
    const { result, lifetimeSeconds, external } = given
    const epochSeconds = this.#epoch(now)
    return encodePcpResponse({
      kind: 'map',
      result,
      lifetimeSeconds,
      epochSeconds,
      nonce,
      internalPort,
      external,
    })
  }

  #natPmp(request: NatPmpRequest, now: number): Uint8Array | undefined {
    const epochSeconds = this.#epoch(now)
    if (request.kind === 'address') {
      this.#note('natPmp address', now)
      if (!this.speaks.includes('natPmp')) return undefined
      return encodeNatPmpResponse({ kind: 'address', result: 0, epochSeconds, external: this.#address(0) })
    }
    const { internalPort, externalPort: wish, lifetimeSeconds: wished } = request
    this.#note(`natPmp map ${internalPort} for ${wished}`, now)
    const { result, lifetimeSeconds, external } = this.#give('natPmp', internalPort, wish, wished)
    const externalPort = external.words[4]!
    return encodeNatPmpResponse({
      kind: 'map',
      result,
      epochSeconds,
      internalPort,
      externalPort,
      lifetimeSeconds,
    })
  }

  #mapUpnp(
    { port, externalPort, lifetimeSeconds }: PortMappingEffect & { kind: 'mapUpnp' },
    now: number,
  ): PortMappingInput {
    this.#note(`upnp map ${port} for ${lifetimeSeconds}`, now)
    if (this.takenPorts-- > 0) return { kind: 'upnpRefused', port, taken: true }
    if (this.refuses.includes('upnp')) return { kind: 'upnpRefused', port, taken: false }
    const { external } = this.#give('upnp', port, externalPort, lifetimeSeconds)
    return { kind: 'upnpMapped', port, external, lifetimeSeconds }
  }

  #give(service: Service, port: number, wish: number, seconds: number) {
    const refused = this.refuses.includes(service)
    const external = this.#address(seconds === 0 ? 0 : wish)
    if (seconds === 0) this.mappings.delete(port)
    else if (!refused) this.mappings.set(port, { service, external: formatAddress(external.words) })
    const lifetimeSeconds = refused ? 30 : Math.min(seconds, this.longestSeconds)
    return { result: refused ? NOT_AUTHORISED : 0, lifetimeSeconds, external }
  }

  #address(port: number): Address {
    return addressOf(this.external, port)!
  }

  #epoch(now: number): number {
    return Math.floor((now - this.bootedAt) / 1000)
  }

  #note(text: string, at: number): void {
    this.asked.push({ text, at })
  }
}

export class Household {
  readonly gateway: Gateway
  readonly machine = new PortMappingMachine(new Uint8Array(32).fill(3))
  now = 1_700_000_000_000
  /** Reports of the machine, one line each. */
  readonly told: string[] = []
  surveyed: Survey | undefined
  /** Destinations of datagrams. */
  readonly sentTo = new Set<string>()
  readonly #bornAt = this.now

  constructor(speaks: readonly Service[], network: Network | undefined = HOME) {
    this.gateway = new Gateway(speaks, this.now)
    this.handle({ kind: 'network', network })
  }

  /** Returns the requests to the gateway since the last call, with milliseconds since the start. */
  asked(): string[] {
    return this.gateway.asked.splice(0).map(({ text, at }) => `${at - this.#bornAt} ${text}`)
  }

  handle(input: PortMappingInput): this {
    return this.#run((out) => this.machine.handle(input, out, this.now))
  }

  /** Delivers a datagram, by default from the gateway. */
  arrive(bytes: Uint8Array, from = '192.168.1.1:5351'): this {
    const arrived = new Batch(1)
    arrived.push(bytes, parseAddress(from)!.words)
    return this.#run((out) => this.machine.receive(arrived, out, this.now))
  }

  /** Lets `ms` pass, jumping from deadline to deadline. */
  pass(ms: number): this {
    const end = this.now + ms
    while (this.machine.deadline() <= end) {
      this.now = Math.max(this.now, this.machine.deadline())
      this.#run((out) => this.machine.tick(out, this.now))
    }
    this.now = end
    return this
  }

  #run(call: (out: Batch) => void): this {
    const out = new Batch(1)
    call(out)
    const answers = Array.from({ length: out.count }, (_, i) => {
      this.sentTo.add(formatAddress(out.addressOf(i).words))
      const answer = this.#lost() ? undefined : this.gateway.answer(out.at(i), this.now)
      return answer === undefined || this.#lost() ? undefined : answer
    })
    for (const answer of answers) if (answer !== undefined) this.arrive(answer)
    this.#effects()
    return this
  }

  #lost(): boolean {
    return this.gateway.loses > 0 && this.gateway.loses-- > 0
  }

  #effects(): void {
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll()) {
      if (effect.kind === 'mapped')
        this.told.push(
          `${effect.port} is ${formatAddress(effect.external.words).replace(/:\d+$/, '')} by ${effect.service}`,
        )
      else if (effect.kind === 'unmapped' || effect.kind === 'closed')
        this.told.push(`${effect.port} ${effect.kind}`)
      else if (effect.kind === 'surveyed') this.surveyed = effect
      const answer = this.gateway.upnp(effect, this.now)
      if (answer !== undefined) this.handle(answer)
    }
  }
}
