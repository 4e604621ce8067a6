/**
 * The control plane of a relay. It binds, proves, moves and ends legs, and tells their peers about the state of both legs.
 * Data packets do not pass here: `relay-machine.ts` forwards them by means of `bindings`.
 */
import type { FleetKeys } from '../../crypto/fleet.ts'
import { Random } from '../../crypto/random.ts'
import type { TunnelId } from '../../ids.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeRelay,
  encodeRelay,
  type RelayClaim,
  type RelayFlags,
  type RelayMessage,
} from '../../wire/relay.ts'
import type { Wall } from '../wall.ts'
import { Admission } from './admission.ts'
import { Bindings } from './bindings.ts'
import { Offload, type OffloadEffect } from './offload.ts'
import { Quota } from './quota.ts'
import { type ClaimRefusal, noRelayCounts } from './relay-counters.ts'
import { Tunnels } from './tunnels.ts'

/** Everything that a peer holds back until there is a path: 64 datagrams. */
const BELIEVED_BYTES = 80_000

export interface EndedLeg {
  readonly leg: number
  readonly tunnel: TunnelId
  readonly reason: 'released' | 'idle' | 'replaced' | 'drained'
}

export interface RelayControlOptions {
  readonly fleetKeys: FleetKeys
  readonly seed: Uint8Array
  readonly maxTunnels: number
  readonly maxBytesPerSecond: number
  readonly maxPacketsPerSecond: number
  readonly idleMs: number
  readonly wall: Wall
}

export class RelayControl {
  readonly counters = noRelayCounts()
  readonly bindings: Bindings
  readonly quota: Quota
  readonly offload: Offload
  readonly #tunnels: Tunnels
  readonly #admission: Admission
  readonly #idleMs: number
  readonly #ended: (leg: EndedLeg) => void

  constructor(
    options: RelayControlOptions,
    ended: (leg: EndedLeg) => void,
    emit: (effect: OffloadEffect) => void,
  ) {
    const random = new Random(options.seed)
    this.#idleMs = options.idleMs
    this.#ended = ended
    this.quota = new Quota({ ...options, maxLegs: options.maxTunnels * 2 })
    this.offload = new Offload(options.maxTunnels, emit)
    this.bindings = new Bindings(options.maxTunnels * 2, random, {
      taken: (leg) => this.quota.taken(leg),
      proven: (leg) => this.offload.proven(leg, this.bindings),
      left: (leg) => {
        this.quota.left(leg)
        this.offload.left(leg)
      },
    })
    this.#tunnels = new Tunnels(options.maxTunnels)
    const { bindings, quota } = this
    const parts = { tunnels: this.#tunnels, bindings, quota, wall: options.wall }
    this.#admission = new Admission(options.fleetKeys, parts, random)
  }

  /** All legs are numbered below this. */
  get end(): number {
    return this.#tunnels.end
  }

  /** True if no tunnel is remembered. */
  get isEmpty(): boolean {
    return this.#tunnels.size === 0
  }

  setFleetKeys(fleetKeys: FleetKeys): void {
    this.#admission.setFleetKeys(fleetKeys)
  }

  /** Refuses new legs from now on. */
  close(): void {
    this.#admission.closed = true
  }

  /** Handles datagram `i`, which is a control message. */
  take(arrived: Batch, i: number, out: Batch, now: number): void {
    const message = decodeRelay(arrived.at(i))
    switch (message?.op) {
      case 'bind':
        this.#bind(message, arrived, i, out, now)
        break
      case 'release':
        this.#release(message, out, now)
        break
      case 'confirm':
        this.#confirm(message.token, arrived, i, out, now)
        break
      case 'keep':
        this.#keep(arrived, i, out, now)
        break
      default:
        this.counters.malformed++
    }
  }

  /** Sends KEPT to a leg: the state of the other leg and of the relay. Sends nothing if the leg's credit does not suffice. */
  tell(leg: number, out: Batch): void {
    const bytes = encodeRelay({ op: 'kept', ...this.#flagsOf(leg) })
    if (!this.bindings.spend(leg, bytes.length)) return
    out.push(bytes, this.bindings.addresses, leg * ADDRESS_WORDS, this.bindings.sockets[leg])
  }

  /** Ends silent legs, and forgets tunnels that no claim can bring back. */
  sweep(out: Batch, now: number): void {
    const since = now - this.#idleMs
    for (let leg = 0; leg < this.end; leg++) {
      if (this.bindings.isSilent(leg, since)) this.#free(leg, 'idle', out)
    }
    this.#admission.forget(now)
    this.quota.round(now)
    for (const leg of this.offload.muted) if (!this.quota.isOver(leg, now)) this.offload.unmute(leg)
  }

  /** Ends every leg without telling the peers. */
  endAll(): void {
    for (let leg = 0; leg < this.end; leg++) {
      if (this.bindings.isFree(leg)) continue
      this.bindings.free(leg)
      this.#report(leg, 'drained')
    }
  }

  #bind(claim: RelayClaim, arrived: Batch, i: number, out: Batch, now: number): void {
    const at = i * ADDRESS_WORDS
    const admitted = this.#admission.bind(claim, arrived.address, at, now)
    if (typeof admitted === 'string') {
      this.#refuse(admitted)
      return
    }
    const { leg, isBelieved } = admitted
    const wasBound = this.bindings.isBound(leg)
    const owner = this.bindings.at(arrived.address, at)
    const isNew = !this.bindings.isAt(leg, arrived.address, at)
    if (owner !== leg) this.counters[wasBound ? 'moved' : 'bound']++
    this.bindings.bind(leg, arrived.address, at, arrived.socket[i]!)
    if (isNew && isBelieved) this.bindings.trust(leg, BELIEVED_BYTES)
    this.bindings.hear(leg, arrived.length[i]!, now)
    this.#answer(arrived, i, out, {
      op: 'bound',
      stamp: claim.stamp,
      token: this.bindings.tokenOf(leg),
      idleMs: this.#idleMs,
      ...this.#flagsOf(leg),
    })
    if (owner >= 0 && !this.bindings.isBound(owner)) this.#gone(owner, 'replaced', out)
    if (wasBound !== this.bindings.isBound(leg)) this.tell(leg ^ 1, out)
  }

  #release(claim: RelayClaim, out: Batch, now: number): void {
    const leg = this.#admission.release(claim, now)
    if (typeof leg === 'string') this.#refuse(leg)
    else if (!this.bindings.isFree(leg)) this.#free(leg, 'released', out)
  }

  #confirm(token: Uint8Array, arrived: Batch, i: number, out: Batch, now: number): void {
    const at = i * ADDRESS_WORDS
    const owner = this.bindings.at(arrived.address, at)
    const leg = this.bindings.prove(arrived.address, at, token)
    if (leg < 0) {
      this.#refuse('token')
      return
    }
    this.counters.proven++
    this.bindings.hear(leg, arrived.length[i]!, now)
    this.#follow(leg, arrived.socket[i]!)
    this.tell(leg, out)
    if (owner === leg) return
    if (owner >= 0) this.#gone(owner, 'replaced', out)
    this.tell(leg ^ 1, out)
  }

  #keep(arrived: Batch, i: number, out: Batch, now: number): void {
    const leg = this.bindings.at(arrived.address, i * ADDRESS_WORDS)
    if (leg < 0) {
      this.#answer(arrived, i, out, { op: 'unbound' })
      return
    }
    this.bindings.hear(leg, arrived.length[i]!, now)
    this.#follow(leg, arrived.socket[i]!)
    this.tell(leg, out)
  }

  /** A leg is reached through the port that its peer uses: another one may be blocked. */
  #follow(leg: number, socket: number): void {
    if (!this.bindings.through(leg, socket)) return
    this.offload.left(leg)
    this.offload.proven(leg, this.bindings)
  }

  #refuse(why: ClaimRefusal | 'token'): void {
    this.counters.refused[why]++
  }

  /** Answers datagram `i` at its source. The answer is never longer than the datagram. */
  #answer(arrived: Batch, i: number, out: Batch, message: RelayMessage): void {
    const bytes = encodeRelay(message)
    const leg = this.bindings.at(arrived.address, i * ADDRESS_WORDS)
    if (leg >= 0) this.bindings.spend(leg, bytes.length)
    out.push(bytes, arrived.address, i * ADDRESS_WORDS, arrived.socket[i])
  }

  #flagsOf(leg: number): RelayFlags {
    return { otherBound: this.bindings.isBound(leg ^ 1), draining: this.#admission.closed }
  }

  #free(leg: number, reason: EndedLeg['reason'], out: Batch): void {
    this.bindings.free(leg)
    this.#gone(leg, reason, out)
  }

  /** Reports a leg that lost its address, and tells the other leg. */
  #gone(leg: number, reason: EndedLeg['reason'], out: Batch): void {
    this.#report(leg, reason)
    this.tell(leg ^ 1, out)
  }

  #report(leg: number, reason: EndedLeg['reason']): void {
    this.counters.ended++
    this.#ended({ leg, tunnel: this.#tunnels.idOf(leg), reason })
  }
}
