/**
 * Port mappings at the default gateway for the sockets of this peer: the machine of shared/core/port-mapping on real
 * sockets. It opens and sends nothing before `prepare` or the first `map`, and no caller waits for the gateway.
 */

import { randomBytes } from 'node:crypto'
import type { PortMappingEffect, PortMappingInput, Survey } from '../../shared/core/port-mapping/events.ts'
import { PortMappingMachine } from '../../shared/core/port-mapping/port-mapping-machine.ts'
import type { Loop } from '../../shared/drive/loop.ts'
import { type Address, formatIp } from '../../shared/wire/address.ts'
import { deferred } from '../deferred.ts'
import { drive } from './drive.ts'
import { defaultGateway } from './port-mapping-gateway.ts'
import { GatewaySocket } from './port-mapping-socket.ts'
import { UpnpGateway } from './port-mapping-upnp.ts'

/**
 * Longest wait for the gateway to remove mappings. A gateway that answers does so in a few milliseconds; mappings of
 * one that does not answer expire by themselves.
 */
const FAREWELL_MS = 500

/** Receives the external address, or undefined if there is none any more. */
export type MappedListener = (external: Address | undefined) => void

export class PortMapping {
  readonly #loop: Loop<PortMappingInput, PortMappingEffect>
  readonly #listeners = new Map<number, MappedListener>()
  readonly #leaving = new Set<number>()
  readonly #surveyed = deferred<Survey>()
  #socket: GatewaySocket | undefined
  #upnp: UpnpGateway | undefined
  #locating: Promise<void> | undefined
  #isPrepared = false
  #isClosed = false
  #allLeft = () => {}

  constructor(fault: (error: unknown) => void) {
    this.#loop = drive(new PortMappingMachine(randomBytes(32)), {
      send: (batch, i) => this.#socket?.send(batch, i),
      perform: (effect) => this.#perform(effect),
      fault,
    })
  }

  /** Finds out which protocols the gateway supports, so that a later `map` is faster. */
  prepare(): void {
    if (this.#isPrepared) return
    this.#isPrepared = true
    void this.#located()
  }

  /** Maps an IPv4 UDP port of this machine at the gateway until the returned function is called. */
  map(port: number, listener: MappedListener): () => void {
    this.#listeners.set(port, listener)
    this.#leaving.delete(port)
    void this.#located().then(() => this.#listeners.has(port) && this.#loop.handle({ kind: 'open', port }))
    return () => this.#unmap(port)
  }

  /** Returns the protocols that the default gateway supports, and its addresses. */
  async survey(): Promise<Survey & { readonly gateway?: string }> {
    this.prepare()
    await this.#located()
    const gateway = this.#socket && formatIp(this.#socket.network.gateway.words)
    return { ...(await this.#surveyed.promise), ...(gateway !== undefined && { gateway }) }
  }

  networkChanged(): void {
    if (this.#locating !== undefined) this.#locating = this.#locating.then(() => this.#locate())
  }

  /** Removes all mappings from the gateway. */
  async close(): Promise<void> {
    for (const port of [...this.#listeners.keys()]) this.#unmap(port)
    if (this.#leaving.size > 0) await this.#farewell()
    this.#isClosed = true
    this.#loop.close()
    this.#socket?.close()
    this.#socket = undefined
  }

  #farewell(): Promise<void> {
    const { promise, resolve } = deferred()
    const timer = setTimeout(resolve, FAREWELL_MS)
    this.#allLeft = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }

  #unmap(port: number): void {
    if (!this.#listeners.delete(port)) return
    this.#leaving.add(port)
    this.#loop.handle({ kind: 'close', port })
  }

  #located(): Promise<void> {
    this.#locating ??= this.#locate()
    return this.#locating
  }

  async #locate(): Promise<void> {
    const gateway = await defaultGateway()
    const receive = (bytes: Uint8Array, words: Uint32Array) => this.#loop.receive(bytes, words, 0)
    const socket = gateway === undefined ? undefined : await GatewaySocket.open(gateway, receive)
    if (this.#isClosed) {
      socket?.close()
      return
    }
    this.#socket?.close()
    this.#socket = socket
    const network = socket?.network
    this.#upnp = network && new UpnpGateway({ gateway: gateway!, local: formatIp(network.local.words) })
    this.#loop.handle({ kind: 'network', network })
    if (this.#isPrepared) this.#loop.handle({ kind: 'survey' })
  }

  #perform(effect: PortMappingEffect): void {
    switch (effect.kind) {
      case 'mapped':
        this.#listeners.get(effect.port)?.(effect.external)
        break
      case 'unmapped':
        this.#listeners.get(effect.port)?.(undefined)
        break
      case 'closed':
        this.#leaving.delete(effect.port)
        if (this.#leaving.size === 0) this.#allLeft()
        break
      case 'surveyed':
        this.#surveyed.resolve(effect)
        break
      default:
        void this.#performUpnp(effect)
    }
  }

  async #performUpnp(effect: Extract<PortMappingEffect, { kind: `${string}Upnp` }>): Promise<void> {
    const upnp = this.#upnp
    const answer = upnp && (await answerOf(upnp, effect))
    if (answer !== undefined && upnp === this.#upnp) this.#loop.handle(answer)
  }
}

async function answerOf(
  upnp: UpnpGateway,
  effect: Extract<PortMappingEffect, { kind: `${string}Upnp` }>,
): Promise<PortMappingInput> {
  if (effect.kind === 'findUpnp') {
    const external = await upnp.find()
    return external === undefined ? { kind: 'upnpAbsent' } : { kind: 'upnpFound', external }
  }
  const { port, externalPort } = effect
  if (effect.kind === 'unmapUpnp') {
    await upnp.unmap(externalPort)
    return { kind: 'upnpUnmapped', port }
  }
  const given = await upnp.map(effect)
  if (typeof given === 'string') return { kind: 'upnpRefused', port, taken: given === 'taken' }
  return { kind: 'upnpMapped', port, external: given, lifetimeSeconds: effect.lifetimeSeconds }
}
