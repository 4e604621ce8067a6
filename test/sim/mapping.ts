/**
 * One mapping of a NAT: an inside endpoint, an outside port, and the remotes it has talked to. Only what goes out keeps
 * it alive (RFC 4787 REQ-6); an answer from outside lengthens the life of what went out before, as Linux conntrack's
 * `udp_timeout` and `udp_timeout_stream` do.
 */
import { type Endpoint, textOf } from './packet.ts'

export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

/** What of a remote endpoint a NAT looks at. */
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
  /** Nothing has come back yet. RFC 4787 REQ-5 asks for two minutes; Linux gives 30 s. */
  readonly unrepliedMs: number
  /** Traffic both ways. */
  readonly streamMs: number
  /** Some carriers end a mapping this long after its birth, whatever goes through it. */
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

  /** Whether the filter lets this packet in. */
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
