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
import type { TunnelId } from '../../ids.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { isRelayControl } from '../../wire/relay.ts'
import type { Machine } from '../machine.ts'
import { Wall } from '../wall.ts'
import type { Bindings } from './bindings.ts'
import { type EndedLeg, RelayControl } from './control.ts'
import { Drain } from './drain.ts'
import type { OffloadEffect, OffloadedTraffic } from './offload.ts'
import type { RelayCounters } from './relay-counters.ts'
import { Traffic } from './traffic.ts'

/** Four times the interval at which a peer says KEEP. */
export const IDLE_MS = 60_000
const MAX_TUNNELS = 16_384
/** What EC2 lets an instance below 32 vCPU send to the internet. */
const MAX_BYTES_PER_SECOND = 5e9 / 8
/** Twice what one core forwards: half of it, what one owner may have, is a core. */
const MAX_PACKETS_PER_SECOND = 500_000
/** How often silence, expiry and throughput are looked at: one pass over the legs, no timer for each. */
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
  readonly maxPacketsPerSecond?: number
  readonly idleMs?: number
}

export type RelayInput =
  | { readonly kind: 'drain'; readonly until: number }
  | { readonly kind: 'fleet-keys'; readonly fleetKeys: FleetKeys }
  /** The kernel can forward, or has stopped. */
  | { readonly kind: 'kernel'; readonly isForwarding: boolean }
  | { readonly kind: 'offloaded'; readonly traffic: readonly OffloadedTraffic[] }

export type RelayEffect =
  | {
      readonly kind: 'ended'
      readonly tunnel: TunnelId
      readonly leg: 0 | 1
      readonly reason: EndedLeg['reason']
      /** Forwarded from this leg. */
      readonly packets: number
      readonly bytes: number
    }
  | { readonly kind: 'drained' }
  | OffloadEffect

export class RelayMachine implements Machine<RelayInput, RelayEffect> {
  readonly wall = new Wall()
  readonly counters: RelayCounters
  readonly #control: RelayControl
  readonly #bindings: Bindings
  readonly #traffic: Traffic
  readonly #effects: RelayEffect[] = []
  #roundAt = NEVER
  #drain: Drain | undefined
  #drained = false

  constructor(options: RelayOptions) {
    const { fleetKeys, seed, maxTunnels = MAX_TUNNELS, idleMs = IDLE_MS } = options
    const { maxBytesPerSecond = MAX_BYTES_PER_SECOND, maxPacketsPerSecond = MAX_PACKETS_PER_SECOND } = options
    const limits = { wall: this.wall, maxTunnels, maxBytesPerSecond, maxPacketsPerSecond, idleMs }
    this.#control = new RelayControl(
      { fleetKeys, seed, ...limits },
      (ended) => this.#onEnded(ended),
      (effect) => this.#effects.push(effect),
    )
    this.#bindings = this.#control.bindings
    this.counters = this.#control.counters
    this.#traffic = new Traffic(maxTunnels * 2)
  }

  /** 0 to 1: of its tunnels, or of the bytes or packets a second that it can carry, whichever share is greater. */
  get load(): number {
    if (this.#drain !== undefined) return 1
    return this.#control.quota.load
  }

  /** Legs that have an address, or claim one. */
  get legs(): number {
    return this.#bindings.count
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      if (isRelayControl(arrived, i)) this.#control.take(arrived, i, out, now)
      else this.#forward(arrived, i, out, now)
    }
    if (this.#roundAt === NEVER && !this.#control.isEmpty) this.#roundAt = now + ROUND_MS
    this.#checkDrained()
  }

  handle(input: RelayInput, out: Batch, now: number): void {
    switch (input.kind) {
      case 'fleet-keys':
        this.#control.setFleetKeys(input.fleetKeys)
        break
      case 'kernel':
        this.#control.offload.set(input.isForwarding, this.#bindings, this.#control.end)
        break
      case 'offloaded':
        for (const traffic of input.traffic) this.#onOffloaded(traffic, now)
        break
      case 'drain':
        this.#control.close()
        this.#drain = new Drain(input.until, now)
        this.tick(out, now)
    }
  }

  tick(out: Batch, now: number): void {
    if (now >= this.#roundAt) this.#round(out, now)
    if (this.#drain !== undefined) this.#tickDrain(this.#drain, out, now)
  }

  deadline(): number {
    const drainAt = this.#drain === undefined || this.#drained ? NEVER : this.#drain.deadline()
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
    if (!this.#control.quota.take(from, length, now)) {
      counters.overQuota++
      return
    }
    const to = from ^ 1
    if (!this.#bindings.spend(to, length)) {
      counters[this.#bindings.isBound(to) ? 'unproven' : 'unpaired']++
      return
    }
    const slot = out.claim(this.#bindings.addresses, to * ADDRESS_WORDS, this.#bindings.sockets[to]!)
    const start = arrived.start(i)
    out.bytes.set(arrived.bytes.subarray(start, start + length), out.start(slot))
    out.length[slot] = length
    counters.packets++
    counters.bytes += length
    this.#traffic.count(from, 1, length)
  }

  /** As if it had come here, but charged after the fact. */
  #onOffloaded({ leg, packets, bytes, muted }: OffloadedTraffic, now: number): void {
    this.counters.packets += packets
    this.counters.bytes += bytes
    this.counters.offloaded += packets
    this.counters.overQuota += muted
    if (leg === undefined || !this.#control.offload.has(leg) || packets + muted === 0) return
    this.#bindings.hear(leg, bytes, now)
    this.#traffic.count(leg, packets, bytes)
    this.#control.quota.charge(leg, packets, bytes, now)
    if (this.#control.quota.isOver(leg, now)) this.#control.offload.mute(leg)
  }

  #onEnded({ leg, tunnel, reason }: EndedLeg): void {
    const side = leg & 1 ? 1 : 0
    this.#effects.push({ kind: 'ended', tunnel, leg: side, reason, ...this.#traffic.take(leg) })
  }

  #round(out: Batch, now: number): void {
    this.#control.sweep(out, now)
    this.#roundAt = this.#control.isEmpty ? NEVER : now + ROUND_MS
  }

  #tickDrain(drain: Drain, out: Batch, now: number): void {
    const { from, to } = drain.next(this.#control.end, now)
    for (let leg = from; leg < to; leg++) this.#control.tell(leg, out)
    if (now >= drain.until) this.#control.endAll()
    this.#checkDrained()
  }

  #checkDrained(): void {
    if (this.#drain === undefined || this.#drained || this.legs > 0) return
    this.#drained = true
    this.#effects.push({ kind: 'drained' })
  }
}
