/**
 * The whole client as one machine: its session with a CHECKPOINT (`machine.ts`), its calls (`calls.ts`) and its tunnels.
 * The tunnels are a machine of their own, which the platform gives: sockets have `tunnels.ts`.
 *
 * The SDK adds sockets and promises but decides nothing; the simulation drives the same object.
 */
import type { Random } from '../../crypto/random.ts'
import { type TunnelId, toBase32 } from '../../ids.ts'
import { ADDRESS_WORDS, type Address } from '../../wire/address.ts'
import { Batch } from '../../wire/batch.ts'
import { TUNNEL_ID_BYTES } from '../../wire/offers.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import type { AffairsOptions } from './affairs.ts'
import { Calls } from './calls.ts'
import type {
  EndpointEffect,
  EndpointInput,
  PeerEffect,
  PeerInput,
  TunnelsEffect,
  TunnelsInput,
} from './events.ts'
import type { InboxMemory } from './inbox.ts'
import { Lookout } from './lookout.ts'
import { PeerMachine } from './machine.ts'
import { HOME_SOCKET } from './socket-book.ts'
import type { Tunnels } from './tunnels.ts'
import { Unheard } from './unheard.ts'

/** The tunnels of an endpoint, as a machine. */
export interface TunnelsMachine extends Machine<TunnelsInput, TunnelsEffect> {
  /** True from the request for the tunnel until its end. */
  has(tunnel: TunnelId): boolean
}

export interface EndpointOptions<T extends TunnelsMachine> extends AffairsOptions {
  /** Makes the machine of the tunnels, which owns the generator. */
  readonly tunnels: (random: Random) => T
}

export class Endpoint<T extends TunnelsMachine = Tunnels> implements Machine<EndpointInput, EndpointEffect> {
  readonly tunnels: T
  readonly #session: PeerMachine
  readonly #calls: Calls
  readonly #random: Random
  readonly #effects = new Queue<EndpointEffect>()
  readonly #unheard = new Unheard((message) => this.#effects.put(message))
  readonly #lookout = new Lookout((input) => this.#toTunnels(input))
  /** Output of the current call. */
  #out = new Batch(1)
  #now = 0
  readonly #arrivedHome = new Batch(1)
  readonly #arrivedElsewhere = new Batch(1)

  constructor({ random, tunnels, ...options }: EndpointOptions<T>) {
    this.#random = random.fork('calls')
    this.#session = new PeerMachine({ ...options, random: random.fork('session') })
    this.tunnels = tunnels(random.fork('tunnels'))
    this.#calls = new Calls({
      toSession: this.#toSession,
      toTunnels: this.#toTunnels,
      emit: (effect) => this.#effects.put(effect),
    })
  }

  /** The messages delivered so far, to be stored for the next run. */
  memory(): InboxMemory[] {
    return this.#session.memory()
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    this.#begin(out, now)
    this.#sort(arrived)
    if (this.#arrivedHome.count > 0) this.#session.receive(this.#arrivedHome, out, now)
    if (this.#arrivedElsewhere.count > 0) this.tunnels.receive(this.#arrivedElsewhere, out, now)
    this.#settle()
  }

  handle(input: EndpointInput, out: Batch, now: number): void {
    this.#begin(out, now)
    this.#act(input)
    this.#settle()
  }

  tick(out: Batch, now: number): void {
    this.#begin(out, now)
    this.#session.tick(out, now)
    this.tunnels.tick(out, now)
    this.#calls.tick(now)
    this.#settle()
  }

  deadline(): number {
    return Math.min(this.#session.deadline(), this.tunnels.deadline(), this.#calls.deadline())
  }

  poll(): EndpointEffect | undefined {
    return this.#effects.take()
  }

  #begin(out: Batch, now: number): void {
    this.#out = out
    this.#now = now
  }

  readonly #toSession = (input: PeerInput): void => this.#session.handle(input, this.#out, this.#now)
  readonly #toTunnels = (input: TunnelsInput): void => this.tunnels.handle(input, this.#out, this.#now)

  #sort(arrived: Batch): void {
    this.#arrivedHome.clear()
    this.#arrivedElsewhere.clear()
    for (let i = 0; i < arrived.count; i++) {
      const socket = arrived.socket[i]!
      const to = socket === HOME_SOCKET ? this.#arrivedHome : this.#arrivedElsewhere
      to.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, socket)
    }
  }

  #act(input: EndpointInput): void {
    switch (input.kind) {
      case 'nodes':
        this.#lookout.nodes(input)
        this.#toSession(input)
        break
      case 'ticket':
      case 'presence':
      case 'send':
      case 'taken':
      case 'prekeysStored':
      case 'find':
      case 'forget':
        this.#toSession(input)
        break
      case 'mapped':
        this.#toTunnels(input)
        if (this.#lookout.mapped(input.external)) this.#toSession({ kind: 'networkChanged' })
        break
      case 'sockets':
      case 'use':
        this.#toTunnels(input)
        break
      case 'host':
        this.#toTunnels(input)
        this.#toSession(input)
        break
      case 'homeMoved':
        this.#toSession({ kind: 'networkChanged' })
        break
      case 'moved':
        this.#toSession({ kind: 'host', ips: input.ips })
        this.#toSession({ kind: 'networkChanged' })
        this.#lookout.moved(input)
        break
      case 'udp':
        this.#lookout.udp(input)
        break
      case 'unheard':
        this.#unheard.putBack(input.message)
        break
      case 'listening':
        this.#calls.listening = input.offers
        this.#unheard.listening(input.messages)
        break
      case 'connect':
        this.#calls.connect(this.#newTunnel(), input, this.#now)
        break
      case 'stop':
        this.#calls.stop(input.id)
        break
      case 'accept':
        this.#calls.accept(input.tunnel, input.terms)
        break
      case 'refuse':
        this.#calls.refuse(input.tunnel, input.reason)
        break
      case 'leave':
        this.#calls.end()
        this.#toTunnels({ kind: 'end' })
        this.#toSession(input)
    }
  }

  #newTunnel(): TunnelId {
    return toBase32(this.#random.bytes(TUNNEL_ID_BYTES)) as TunnelId
  }

  /** Passes events between the parts, and to the application, until there are none left. */
  #settle(): void {
    for (;;) {
      const told = this.#session.poll()
      if (told !== undefined) {
        this.#onSession(told)
        continue
      }
      const done = this.tunnels.poll()
      if (done === undefined) return
      this.#onTunnels(done)
    }
  }

  #onSession(effect: PeerEffect): void {
    switch (effect.kind) {
      case 'online':
        this.#lookout.online(effect.node)
        this.#effects.put(effect)
        this.#onSeen(effect.observed)
        break
      case 'offline':
        this.#lookout.offline()
        this.#effects.put(effect)
        break
      case 'seen':
        this.#onSeen(effect.observed)
        break
      case 'message':
        this.#unheard.put(effect)
        break
      case 'offer':
        this.#calls.offered(effect, this.#now)
        break
      case 'ringing':
        this.#calls.ringing(effect)
        break
      case 'agreed':
        this.#calls.agreed(effect)
        break
      case 'refused':
        this.#calls.refused(effect)
        break
      case 'rejoin':
        this.#onRejoin(effect)
        break
      case 'absent':
      case 'forgotten':
        this.#toTunnels(effect)
        break
      case 'presence': {
        const { peer, status } = effect.record
        this.#toTunnels({ kind: status === 'offline' ? 'went' : 'came', peer })
        this.#effects.put(effect)
        break
      }
      default:
        this.#effects.put(effect)
    }
  }

  /** The other side may rejoin a tunnel of an earlier process. */
  #onRejoin({ tunnel, peer, direction }: Extract<PeerEffect, { kind: 'rejoin' }>): void {
    if (this.tunnels.has(tunnel)) this.#toTunnels({ kind: 'rejoin', tunnel, direction })
    else this.#toSession({ kind: 'unknownTunnel', tunnel, peer })
  }

  #onSeen(observed: Address): void {
    if (this.#lookout.seen(observed)) this.#effects.put({ kind: 'address', address: observed })
  }

  #onTunnels(effect: TunnelsEffect): void {
    switch (effect.kind) {
      case 'prepared':
        this.#calls.prepared(effect)
        break
      case 'unprepared':
        this.#calls.unprepared(effect.tunnel)
        break
      case 'rejoinWanted':
        this.#toSession({ ...effect, kind: 'rejoin' })
        break
      case 'interval':
        this.#toSession(effect)
        break
      case 'path':
        if (effect.whyNotDirect === 'path-died') this.#toSession({ kind: 'doubt' })
        this.#calls.opened(effect.tunnel)
        this.#effects.put(effect)
        break
      case 'interrupted':
        this.#toSession({ kind: 'doubt' })
        this.#effects.put(effect)
        break
      case 'closed':
        this.#calls.closed(effect)
        this.#effects.put(effect)
        break
      default:
        this.#effects.put(effect)
    }
  }
}
