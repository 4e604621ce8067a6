/**
 * A RELAY: carries the packets of tunnels that traversal could not open, and adds nothing to them.
 *
 * A leg is known by its source address alone. A peer's BIND carries a grant, which the fleet sealed for one side of one
 * tunnel, and a mac by the key of that grant; nothing is asked of anyone. The answer, BOUND, has a token; when it comes
 * back (CONFIRM) the address is proven. From then on whatever comes from one leg goes to the other, byte for byte; before,
 * no more goes to an address than came from it. A stamp greater than the last moves a leg to where it came from, so a
 * BIND can neither be replayed nor be made by anybody else. A leg that is alive may move after its grant has ended; a
 * new one is not made then.
 *
 * A leg ends by RELEASE, after `idleMs` without a word, when another leg proves to be at its address, and with the relay.
 * A relay that drains takes no new leg, tells the ones it has, and ends what is left at the time it was given; the effect
 * `drained` says once that there is no leg.
 *
 * What is not understood, not allowed or not paired is counted and dropped. Of strangers' datagrams only a KEEP is
 * answered: by UNBOUND, which is as long.
 */
import type { FleetKeys } from '../../crypto/fleet.ts'
import { Random } from '../../crypto/random.ts'
import type { TunnelId } from '../../ids.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeRelay,
  encodeRelay,
  isRelayControl,
  type RelayClaim,
  type RelayFlags,
  type RelayMessage,
} from '../../wire/relay.ts'
import type { Machine } from '../machine.ts'
import { Bindings } from './bindings.ts'
import { Door } from './door.ts'
import { Drain } from './drain.ts'
import { type ClaimRefusal, noRelayCounts, type RelayCounters } from './relay-counters.ts'
import { Traffic } from './traffic.ts'
import { Tunnels } from './tunnels.ts'

/** Four times the interval at which a peer says KEEP. */
export const IDLE_MS = 60_000
const MAX_TUNNELS = 16_384
/** What EC2 lets an instance below 32 vCPU send to the internet. */
const MAX_BYTES_PER_SECOND = 5e9 / 8
/** How often silence, expiry and throughput are looked at. */
const ROUND_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

export interface RelayOptions {
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  /** 32 random bytes. */
  readonly seed: Uint8Array
  readonly maxTunnels?: number
  /** Where `load` is 1. */
  readonly maxBytesPerSecond?: number
  readonly idleMs?: number
}

export type RelayInput =
  | { readonly kind: 'drain'; readonly until: number }
  | { readonly kind: 'fleet-keys'; readonly fleetKeys: FleetKeys }

export type RelayEffect =
  | {
      readonly kind: 'ended'
      readonly tunnel: TunnelId
      readonly leg: 0 | 1
      readonly reason: 'released' | 'idle' | 'replaced' | 'drained'
      /** Forwarded from this leg. */
      readonly packets: number
      readonly bytes: number
    }
  | { readonly kind: 'drained' }

type EndReason = Extract<RelayEffect, { kind: 'ended' }>['reason']

/** Copies between the slabs of two batches without making a view of either. */
const copy: (this: Uint8Array, to: Uint8Array, at: number, start: number, end: number) => number =
  Buffer.prototype.copy

export class RelayMachine implements Machine<RelayInput, RelayEffect> {
  readonly counters: RelayCounters = noRelayCounts()
  readonly #door: Door
  readonly #tunnels: Tunnels
  readonly #bindings: Bindings
  readonly #traffic: Traffic
  readonly #options: Required<RelayOptions>
  readonly #effects: RelayEffect[] = []
  readonly #isBusy = (leg: number) => !this.#bindings.isFree(leg)
  #roundAt = NEVER
  #drain: Drain | undefined
  #drained = false

  constructor(options: RelayOptions) {
    this.#options = {
      maxTunnels: MAX_TUNNELS,
      maxBytesPerSecond: MAX_BYTES_PER_SECOND,
      idleMs: IDLE_MS,
      ...options,
    }
    const { fleetKeys, seed, maxTunnels } = this.#options
    const random = new Random(seed)
    this.#door = new Door(fleetKeys, random)
    this.#tunnels = new Tunnels(maxTunnels)
    this.#bindings = new Bindings(maxTunnels * 2, random)
    this.#traffic = new Traffic(maxTunnels * 2)
  }

  /** 0 to 1: how much of what it can take it has, in legs or in bytes a second, whichever is more. */
  get load(): number {
    if (this.#drain !== undefined) return 1
    const { maxTunnels, maxBytesPerSecond } = this.#options
    const legs = this.#bindings.count / (maxTunnels * 2)
    return Math.min(1, Math.max(legs, this.#traffic.bytesPerSecond / maxBytesPerSecond))
  }

  /** Legs that have an address. */
  get legs(): number {
    return this.#bindings.count
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      if (isRelayControl(arrived, i)) this.#control(arrived, i, out, now)
      else this.#forward(arrived, i, out, now)
    }
  }

  handle(input: RelayInput, out: Batch, now: number): void {
    if (input.kind === 'fleet-keys') this.#door.setFleetKeys(input.fleetKeys)
    else {
      this.#drain = new Drain(input.until, now)
      this.tick(out, now)
    }
  }

  tick(out: Batch, now: number): void {
    if (now >= this.#roundAt) this.#round(out, now)
    if (this.#drain !== undefined) this.#tickDrain(this.#drain, out, now)
  }

  deadline(): number {
    const drainAt = this.#drained ? NEVER : (this.#drain?.deadline() ?? NEVER)
    return Math.min(this.#roundAt, drainAt)
  }

  poll(): RelayEffect | undefined {
    return this.#effects.shift()
  }

  #forward(arrived: Batch, i: number, out: Batch, now: number): void {
    const { counters } = this
    const length = arrived.length[i]!
    const from = this.#bindings.at(arrived.address, i * ADDRESS_WORDS)
    if (from < 0) {
      counters.strange++
      return
    }
    this.#bindings.hear(from, length, now)
    const to = from ^ 1
    if (!this.#bindings.spend(to, length)) {
      if (this.#bindings.isBound(to)) counters.unproven++
      else counters.unpaired++
      return
    }
    const slot = out.claim(this.#bindings.addresses, to * ADDRESS_WORDS, this.#bindings.sockets[to]!)
    const start = arrived.start(i)
    copy.call(arrived.bytes, out.bytes, out.start(slot), start, start + length)
    out.length[slot] = length
    counters.packets++
    counters.bytes += length
    this.#traffic.count(from, length)
  }

  #control(arrived: Batch, i: number, out: Batch, now: number): void {
    const message = decodeRelay(arrived.at(i))
    switch (message?.op) {
      case 'bind':
        this.#bind(message, arrived, i, out, now)
        break
      case 'release':
        this.#release(message, arrived, i, out, now)
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

  #bind(claim: RelayClaim, arrived: Batch, i: number, out: Batch, now: number): void {
    const at = i * ADDRESS_WORDS
    const leg = this.#admit(claim, arrived.address, at, now)
    if (typeof leg === 'string') {
      this.counters.refused[leg]++
      return
    }
    const wasBound = this.#bindings.isBound(leg)
    const owner = this.#bindings.at(arrived.address, at)
    if (owner !== leg) {
      if (wasBound) this.counters.moved++
      else this.counters.bound++
    }
    this.#tunnels.setStamp(leg, claim.stamp)
    this.#bindings.bind(leg, arrived.address, at, arrived.socket[i]!)
    this.#bindings.hear(leg, arrived.length[i]!, now)
    this.#answer(arrived, i, out, {
      op: 'bound',
      stamp: claim.stamp,
      token: this.#bindings.tokenOf(leg),
      idleMs: this.#options.idleMs,
      ...this.#flagsOf(leg),
    })
    if (owner >= 0 && !this.#bindings.isBound(owner)) this.#ended(owner, 'replaced', out)
    if (wasBound !== this.#bindings.isBound(leg)) this.#tell(leg ^ 1, out)
    this.#roundAt = Math.min(this.#roundAt, now + ROUND_MS)
  }

  /** The leg that the claim may have. */
  #admit(claim: RelayClaim, words: Uint32Array, at: number, now: number): number | ClaimRefusal {
    const grant = this.#door.open(claim, words, at, now)
    if (typeof grant === 'string') return grant
    const leg = this.#tunnels.legOf(grant)
    if (leg >= 0 && !this.#isNew(claim, leg, words, at)) return 'stamp'
    if (leg >= 0 && !this.#bindings.isFree(leg)) return leg
    if (now >= grant.expiresAt) return 'expired'
    if (this.#drain !== undefined) return 'draining'
    const admitted = leg >= 0 ? leg : this.#tunnels.admit(grant, this.#isBusy)
    return admitted >= 0 ? admitted : 'full'
  }

  /** A datagram that the network doubled is answered again, where the leg is. */
  #isNew({ stamp }: RelayClaim, leg: number, words: Uint32Array, at: number): boolean {
    const last = this.#tunnels.stampOf(leg)
    return stamp > last || (stamp === last && this.#bindings.isAt(leg, words, at))
  }

  #release(claim: RelayClaim, arrived: Batch, i: number, out: Batch, now: number): void {
    const grant = this.#door.open(claim, arrived.address, i * ADDRESS_WORDS, now)
    if (typeof grant === 'string') {
      this.counters.refused[grant]++
      return
    }
    const leg = this.#tunnels.legOf(grant)
    if (leg < 0 || claim.stamp <= this.#tunnels.stampOf(leg)) {
      this.counters.refused.stamp++
      return
    }
    this.#tunnels.setStamp(leg, claim.stamp)
    this.#end(leg, 'released', out)
  }

  #confirm(token: Uint8Array, arrived: Batch, i: number, out: Batch, now: number): void {
    const at = i * ADDRESS_WORDS
    const owner = this.#bindings.at(arrived.address, at)
    const leg = this.#bindings.prove(arrived.address, at, token)
    if (leg < 0) {
      this.counters.refused.token++
      return
    }
    this.counters.proven++
    this.#bindings.hear(leg, arrived.length[i]!, now)
    this.#tell(leg, out)
    if (owner === leg) return
    if (owner >= 0) this.#ended(owner, 'replaced', out)
    this.#tell(leg ^ 1, out)
  }

  #keep(arrived: Batch, i: number, out: Batch, now: number): void {
    const leg = this.#bindings.at(arrived.address, i * ADDRESS_WORDS)
    if (leg < 0) {
      this.#answer(arrived, i, out, { op: 'unbound' })
      return
    }
    this.#bindings.hear(leg, arrived.length[i]!, now)
    this.#tell(leg, out)
  }

  /** To where it came from; never longer than what is answered. */
  #answer(arrived: Batch, i: number, out: Batch, message: RelayMessage): void {
    const bytes = encodeRelay(message)
    const leg = this.#bindings.at(arrived.address, i * ADDRESS_WORDS)
    if (leg >= 0) this.#bindings.spend(leg, bytes.length)
    out.push(bytes, arrived.address, i * ADDRESS_WORDS, arrived.socket[i])
  }

  /** How it stands with the other leg and the relay. */
  #tell(leg: number, out: Batch): void {
    const bytes = encodeRelay({ op: 'kept', ...this.#flagsOf(leg) })
    if (!this.#bindings.spend(leg, bytes.length)) return
    out.push(bytes, this.#bindings.addresses, leg * ADDRESS_WORDS, this.#bindings.sockets[leg])
  }

  #flagsOf(leg: number): RelayFlags {
    return { otherBound: this.#bindings.isBound(leg ^ 1), draining: this.#drain !== undefined }
  }

  #end(leg: number, reason: EndReason, out: Batch): void {
    if (this.#bindings.isFree(leg)) return
    this.#bindings.free(leg)
    this.#ended(leg, reason, out)
  }

  #ended(leg: number, reason: EndReason, out: Batch): void {
    const tunnel = this.#tunnels.idOf(leg)
    this.#effects.push({ kind: 'ended', tunnel, leg: leg & 1 ? 1 : 0, reason, ...this.#traffic.take(leg) })
    this.counters.ended++
    if (reason !== 'drained') this.#tell(leg ^ 1, out)
    if (this.#drain !== undefined) this.#checkDrained()
  }

  #round(out: Batch, now: number): void {
    const since = now - this.#options.idleMs
    for (let leg = 0; leg < this.#tunnels.end; leg++) {
      if (this.#bindings.isSilent(leg, since)) this.#end(leg, 'idle', out)
    }
    this.#tunnels.forget(now, this.#isBusy)
    this.#traffic.measure(now)
    this.#roundAt = this.#tunnels.size > 0 ? now + ROUND_MS : NEVER
  }

  #tickDrain(drain: Drain, out: Batch, now: number): void {
    const { from, to } = drain.next(this.#tunnels.end, now)
    for (let leg = from; leg < to; leg++) this.#tell(leg, out)
    if (now >= drain.until) {
      for (let leg = 0; leg < this.#tunnels.end; leg++) this.#end(leg, 'drained', out)
    }
    this.#checkDrained()
  }

  #checkDrained(): void {
    if (this.#bindings.count > 0 || this.#drained) return
    this.#drained = true
    this.#effects.push({ kind: 'drained' })
  }
}
