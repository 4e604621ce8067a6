/**
 * A node's place in the fleet: it registers, renews three times within a lease, tells its load, reads who else is
 * there, says when it drains, and leaves. It reads sooner where pushes may have been missed, or a service wants a node
 * that it has not heard of. A node that dies is noticed when its lease ends. DynamoDB being away for a
 * while costs nothing but news: the node goes on serving with the fleet it knew.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { FleetItem } from '../shared/directory.ts'
import type { Fleet } from '../shared/store/fleet.ts'

export const LEASE_MS = 30_000
export const RENEW_MS = 10_000
/** Before a reading that somebody asks for; twice as long after each that found nobody new. */
const LOOK_MS = 500

export interface LeaseOptions {
  readonly fleet: Fleet
  readonly item: Omit<FleetItem, 'load' | 'draining' | 'expiresAtSeconds'>
  readonly load: () => number
  /** Called with every node whose lease stands, after each renewal and each push. */
  readonly onFleet: (items: readonly FleetItem[]) => void
  /** The lease had ended, as when the tables were away or a clock was wrong: this node's peers were taken for gone. */
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

  /** Rejects when the tables cannot be reached: a node that cannot register does not serve. */
  static async take(options: LeaseOptions): Promise<Lease> {
    const lease = new Lease(options)
    await options.fleet.register(lease.#item())
    await lease.#read()
    lease.#timer = setInterval(() => void lease.#renew(), options.renewMs ?? RENEW_MS)
    return lease
  }

  /** A change that was pushed, ahead of the next reading. */
  learn(item: FleetItem): void {
    const gone = item.expiresAtSeconds * 1000 <= Date.now()
    const others = this.#known.filter(({ node }) => node !== item.node)
    this.#tell(gone ? others : [...others, item])
  }

  /** Somebody is missing who may have come: the fleet is read soon, once for all who ask meanwhile. Never rejects. */
  look(): Promise<void> {
    this.#look ??= this.#readAsked().finally(() => {
      this.#look = undefined
    })
    return this.#look
  }

  /** No new sessions are sent here any more. */
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

  /** Whether somebody is new. */
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
