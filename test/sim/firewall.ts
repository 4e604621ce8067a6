/**
 * A stateful firewall without address translation, as RFC 6092 asks of IPv6 routers. It admits an inbound packet only if it
 * answers an outbound one between the same two endpoints.
 */
import type { Lifetimes } from './mapping.ts'
import { type Endpoint, textOf } from './packet.ts'

export const FIREWALL_LIFETIMES: Lifetimes = { unrepliedMs: 30_000, streamMs: 120_000 }

export class Firewall {
  readonly #lifetimes: Lifetimes
  readonly #flows = new Map<string, { sentAt: number; replied: boolean }>()

  constructor(lifetimes: Lifetimes = FIREWALL_LIFETIMES) {
    this.#lifetimes = lifetimes
  }

  outbound(inside: Endpoint, remote: Endpoint, now: number): void {
    const flow = this.#living(inside, remote, now)
    this.#flows.set(keyOf(inside, remote), { sentAt: now, replied: flow?.replied ?? false })
  }

  admits(inside: Endpoint, remote: Endpoint, now: number): boolean {
    const flow = this.#living(inside, remote, now)
    if (flow !== undefined) flow.replied = true
    return flow !== undefined
  }

  forget(): void {
    this.#flows.clear()
  }

  #living(inside: Endpoint, remote: Endpoint, now: number): { sentAt: number; replied: boolean } | undefined {
    const flow = this.#flows.get(keyOf(inside, remote))
    if (flow === undefined) return undefined
    const lifeMs = flow.replied ? this.#lifetimes.streamMs : this.#lifetimes.unrepliedMs
    return now < flow.sentAt + lifeMs ? flow : undefined
  }
}

const keyOf = (inside: Endpoint, remote: Endpoint): string => `${textOf(inside)} ${textOf(remote)}`
