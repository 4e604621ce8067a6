/**
 * One mapping of a NAT: an inside endpoint, an outside port, and the remotes it has talked to. Only outbound packets keep it
 * alive (RFC 4787 REQ-6). An answer from outside extends the lifetime, counted from the last outbound packet, like Linux
 * conntrack's `udp_timeout` and `udp_timeout_stream`.
 */
import { type Endpoint, textOf } from './packet.ts'

export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

/** Returns the part of a remote endpoint that the NAT distinguishes. */
export function scopeOf(dependence: Dependence, remote: Endpoint): string {
  switch (dependence) {
    case 'endpoint-independent':
      return ''
    case 'address-dependent':
      return remote.ip
    case 'address-and-port-dependent':
      return textOf(remote)
  }
}

export interface Lifetimes {
  /** Lifetime before the first answer. RFC 4787 REQ-5 asks for two minutes; Linux uses 30 s. */
  readonly unrepliedMs: number
  /** Lifetime after traffic in both directions. */
  readonly streamMs: number
  /** Maximum age of a mapping. Some carriers end it then, whatever its traffic. */
  readonly absoluteMs?: number
}

interface Flow {
  sentAt: number
  replied: boolean
}

export class Mapping {
  readonly inside: Endpoint
  readonly port: number
  readonly #lifetimes: Lifetimes
  readonly #filtering: Dependence
  readonly #endsAt: number
  readonly #flows = new Map<string, Flow>()

  constructor(inside: Endpoint, port: number, filtering: Dependence, lifetimes: Lifetimes, now: number) {
    this.inside = inside
    this.port = port
    this.#filtering = filtering
    this.#lifetimes = lifetimes
    this.#endsAt = now + (lifetimes.absoluteMs ?? Number.POSITIVE_INFINITY)
  }

  sent(remote: Endpoint, now: number): void {
    const scope = scopeOf(this.#filtering, remote)
    const flow = this.#flows.get(scope)
    this.#flows.set(scope, {
      sentAt: now,
      replied: flow !== undefined && this.#lives(flow, now) && flow.replied,
    })
  }

  /** True if the filter admits this packet. */
  admits(remote: Endpoint, now: number): boolean {
    const flow = this.#flows.get(scopeOf(this.#filtering, remote))
    if (flow === undefined || !this.#lives(flow, now)) return false
    flow.replied = true
    return true
  }

  alive(now: number): boolean {
    for (const [scope, flow] of this.#flows) {
      if (this.#lives(flow, now)) return true
      this.#flows.delete(scope)
    }
    return false
  }

  #lives({ sentAt, replied }: Flow, now: number): boolean {
    const { unrepliedMs, streamMs } = this.#lifetimes
    return now < Math.min(sentAt + (replied ? streamMs : unrepliedMs), this.#endsAt)
  }
}
