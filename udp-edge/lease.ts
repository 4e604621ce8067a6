/**
 * A node's place in the fleet: it registers, renews three times within a lease, tells its load, reads who else is
 * there, says when it drains, and leaves. A node that dies is noticed when its lease ends. DynamoDB being away for a
 * while costs nothing but news: the node goes on serving with the fleet it knew.
 */
import type { FleetItem } from '../shared/directory.ts'
import type { Fleet } from '../shared/store/fleet.ts'

export const LEASE_MS = 30_000
export const RENEW_MS = 10_000

export interface LeaseOptions {
  readonly fleet: Fleet
  readonly item: Omit<FleetItem, 'load' | 'draining' | 'expiresAtSeconds'>
  readonly load: () => number
  /** Called with every node whose lease stands, after each renewal and each push. */
  readonly onFleet: (items: readonly FleetItem[]) => void
  readonly log: (what: string, error?: unknown) => void
}

export class Lease {
  readonly #options: LeaseOptions
  #known: readonly FleetItem[] = []
  #draining = false
  #timer: NodeJS.Timeout | undefined
  #left = false

  private constructor(options: LeaseOptions) {
    this.#options = options
  }

  /** Rejects when the tables cannot be reached: a node that cannot register does not serve. */
  static async take(options: LeaseOptions): Promise<Lease> {
    const lease = new Lease(options)
    await options.fleet.register(lease.#item())
    await lease.#read()
    lease.#timer = setInterval(() => void lease.#renew(), RENEW_MS)
    return lease
  }

  /** A change that was pushed, ahead of the next reading. */
  learn(item: FleetItem): void {
    const gone = item.expiresAtSeconds * 1000 <= Date.now()
    const others = this.#known.filter(({ node }) => node !== item.node)
    this.#tell(gone ? others : [...others, item])
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
    const { fleet, log } = this.#options
    try {
      const item = this.#item()
      const held = await fleet.renew(item)
      if (this.#left) return
      if (!held) await fleet.register(item)
      await this.#read()
    } catch (error) {
      log('the lease could not be renewed', error)
    }
  }

  async #read(): Promise<void> {
    this.#tell(await this.#options.fleet.alive(Math.floor(Date.now() / 1000)))
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
