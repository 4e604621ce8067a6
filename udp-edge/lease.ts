/**
 * A node's lease in the fleet. It is renewed three times within its lifetime. Each renewal writes the load and whether the
 * node drains, and reads the other leases.
 *
 * - The fleet is read sooner if pushes may have been missed, or if a service needs a node that is not known yet.
 * - A node that dies is noticed when its lease expires.
 * - While DynamoDB is unavailable, the node goes on serving with the fleet it last read.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { FleetItem } from '../shared/directory.ts'
import type { Fleet } from '../shared/store/fleet.ts'

export const LEASE_MS = 30_000
export const RENEW_MS = 10_000
/** Shortest pause before a read on demand. The pause doubles after each such read that found no new node. */
const LOOK_MS = 500

export interface LeaseOptions {
  readonly fleet: Fleet
  readonly item: Omit<FleetItem, 'load' | 'draining' | 'expiresAtSeconds'>
  readonly load: () => number
  /** Called with every node whose lease has not expired, after each renewal and each push. */
  readonly onFleet: (items: readonly FleetItem[]) => void
  /** Called if the lease had expired, because of an outage or a wrong clock. This node's peers were counted as gone. */
  readonly onLost?: () => void
  readonly log: (what: string, error?: unknown) => void
  readonly renewMs?: number
}

export class Lease {
  readonly #options: LeaseOptions
  #known: readonly FleetItem[] = []
  #draining = false
  #timer: NodeJS.Timeout | undefined
  #left = false
  #look: Promise<void> | undefined
  #pauseMs = LOOK_MS
  #readAt = 0

  private constructor(options: LeaseOptions) {
    this.#options = options
  }

  /** Registers the node. Rejects if the tables cannot be reached: a node that cannot register does not serve. */
  static async take(options: LeaseOptions): Promise<Lease> {
    const lease = new Lease(options)
    await options.fleet.register(lease.#item())
    await lease.#read()
    lease.#timer = setInterval(() => void lease.#renew(), options.renewMs ?? RENEW_MS)
    return lease
  }

  /** Applies a pushed change of one lease, ahead of the next read. */
  learn(item: FleetItem): void {
    const gone = item.expiresAtSeconds * 1000 <= Date.now()
    const others = this.#known.filter(({ node }) => node !== item.node)
    this.#tell(gone ? others : [...others, item])
  }

  /** Reads the fleet soon, because a node may have been added. Calls in the meantime share one read. Never rejects. */
  look(): Promise<void> {
    this.#look ??= this.#readAsked().finally(() => {
      this.#look = undefined
    })
    return this.#look
  }

  /** Marks the lease as draining, so that no new sessions are sent to this node. */
  async drain(): Promise<void> {
    this.#draining = true
    await this.#renew()
  }

  async leave(): Promise<void> {
    this.#left = true
    clearInterval(this.#timer)
    const { fleet, item, log } = this.#options
    await fleet.leave(item.node).catch((error) => log('the lease could not be given back', error))
  }

  async #renew(): Promise<void> {
    const { fleet, log, onLost } = this.#options
    try {
      const item = this.#item()
      const held = await fleet.renew(item, Math.floor(Date.now() / 1000))
      if (this.#left) return
      if (!held) {
        await fleet.register(item)
        onLost?.()
      }
      await this.#read()
      this.#pauseMs = LOOK_MS
    } catch (error) {
      log('the lease could not be renewed', error)
    }
  }

  async #readAsked(): Promise<void> {
    await wait(Math.max(0, this.#readAt + this.#pauseMs - performance.now()), undefined, { ref: false })
    if (this.#left) return
    const isNew = await this.#read().catch((error) => {
      this.#options.log('the fleet could not be read', error)
      return false
    })
    this.#pauseMs = isNew ? LOOK_MS : this.#pauseMs * 2
  }

  /** Reads all leases. True if a node is new. */
  async #read(): Promise<boolean> {
    const items = await this.#options.fleet.alive(Math.floor(Date.now() / 1000))
    const known = new Set(this.#known.map(({ node }) => node))
    this.#readAt = performance.now()
    this.#tell(items)
    return items.some(({ node }) => !known.has(node))
  }

  #tell(items: readonly FleetItem[]): void {
    this.#known = items
    this.#options.onFleet(items)
  }

  #item(): FleetItem {
    const expiresAtSeconds = Math.ceil((Date.now() + LEASE_MS) / 1000)
    return { ...this.#options.item, load: this.#options.load(), draining: this.#draining, expiresAtSeconds }
  }
}
