/**
 * A RELAY: forwards the packets of tunnels for which traversal found no direct path, and adds nothing to them.
 *
 * A leg is identified by its source address alone. Its life:
 *
 *   BIND      carries a grant, which the fleet sealed for one side of one tunnel, and a MAC under the key of that grant. The
 *             relay needs no look-up to check them
 *   BOUND     answers with a token. Until the token comes back, the address is sent no more than came from it
 *   CONFIRM   brings the token back and proves the address. From then on everything that comes from one leg goes to the other,
 *             byte for byte
 *   moving    a BIND with a greater stamp than the last moves the leg to the source of that BIND. A BIND can therefore be
 *             neither replayed nor forged. A leg may move after its grant has expired, but no new leg is made then
 *   end       by RELEASE, after `idleMs` of silence, when another leg proves its address, or with the relay
 *
 * A draining relay accepts no new leg, tells the legs it has, and ends the remaining ones at the given time. The effect
 * `drained` reports once that no leg is left.
 *
 * Datagrams that cannot be decoded, are not allowed or have no other leg are counted and dropped. Of strangers' datagrams, only
 * KEEP is answered, with UNBOUND of the same length.
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

/** Four times the interval at which a peer sends KEEP. */
export const IDLE_MS = 60_000
const MAX_TUNNELS = 16_384
/** The bandwidth to the internet that EC2 allows an instance with fewer than 32 vCPU. */
const MAX_BYTES_PER_SECOND = 5e9 / 8
/** Twice what one core forwards, so that the half which one owner may have is one core. */
const MAX_PACKETS_PER_SECOND = 500_000
/** How often silence, expiry and throughput are checked, in one pass over the legs instead of a timer for each. */
const ROUND_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

export interface RelayOptions {
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  /** 32 random bytes. */
  readonly seed: Uint8Array
  readonly maxTunnels?: number
  /** Rates at which `load` is 1. */
  readonly maxBytesPerSecond?: number
  readonly maxPacketsPerSecond?: number
  readonly idleMs?: number
}

export type RelayInput =
  | { readonly kind: 'drain'; readonly until: number }
  | { readonly kind: 'fleet-keys'; readonly fleetKeys: FleetKeys }
  /** The kernel can forward from now on, or has stopped. */
  | { readonly kind: 'kernel'; readonly isForwarding: boolean }
  | { readonly kind: 'offloaded'; readonly traffic: readonly OffloadedTraffic[] }

export type RelayEffect =
  | {
      readonly kind: 'ended'
      readonly tunnel: TunnelId
      readonly leg: 0 | 1
      readonly reason: EndedLeg['reason']
      /** Traffic forwarded from this leg. */
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

  /** Load from 0 to 1: the used part of tunnels, or of bytes or packets a second, whichever is greatest. 1 while draining. */
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

  /** Accounts for traffic that the kernel forwarded as if it had passed here, but charges it afterwards. */
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
