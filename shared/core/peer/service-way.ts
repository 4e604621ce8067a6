/**
 * Decides how datagrams between one socket and one service of a node travel: over UDP, or carried (by TLS to a relay,
 * through the gateway to a HANDSHAKE). UDP that works to a CHECKPOINT may be blocked to another port.
 *
 *   udp       until three requests in a row are not answered and 0.7 s have passed since the first; 2 s if UDP has worked
 *   asking    UDP at the service's own port, UDP at the common ports of its node (`service-port.ts`), and the carrier are
 *             tried, and the first that brings something is used
 *   carried   until more than six requests in a row are not answered: then `asking` again
 *
 * If UDP to such a service did not work before, a new socket begins with `asking`. If only the own port did not work, it
 * begins with the port that did. So nobody waits for the same timeout twice, and UDP is used again as soon as it works.
 */
import { OWN_PORT, ServicePort } from './service-port.ts'

const MOST_UNANSWERED = 3
const DOUBT_MS = 700
const DOUBT_WHERE_PROVEN_MS = 2000
const MOST_UNANSWERED_CARRIED = 6

export type ServiceWayKind = 'udp' | 'asking' | 'carried'

export interface ServiceWayOptions {
  /** Knowledge of such services: a port that answered in place of their own, or `none` if UDP did not work. */
  readonly known?: number | 'none' | undefined
  /** See `ServicePortOptions`. */
  readonly inTurn?: boolean
}

export class ServiceWay {
  readonly #port: ServicePort
  #kind: ServiceWayKind
  #unanswered = 0
  #silentSince = 0
  #isProven = false

  constructor({ known, inTurn = false }: ServiceWayOptions = {}) {
    this.#kind = known === 'none' ? 'asking' : 'udp'
    this.#port = new ServicePort({ inTurn, ...(typeof known === 'number' && { port: known }) })
  }

  get kind(): ServiceWayKind {
    return this.#kind
  }

  /** The UDP port in use; 0 for the service's own one. */
  get port(): number {
    return this.#port.port
  }

  /** UDP ports for a datagram that leaves now, unless a carrier takes it; 0 for the service's own one. */
  ports(): readonly number[] {
    return this.#kind === 'asking' ? this.#port.asked() : [this.#port.port]
  }

  /** Counts a request that is sent now and that the service always answers; `kind` says afterwards which way it takes. */
  asked(now: number): void {
    if (this.#unanswered++ === 0) this.#silentSince = now
    if (this.#isSilent(now)) this.#kind = 'asking'
  }

  /** `port`: the UDP port of the service at which it was heard. */
  heard(by: 'udp' | 'carrier', port = OWN_PORT): void {
    this.#unanswered = 0
    if (by === 'udp') {
      this.#port.heard(port, this.#kind !== 'udp')
      this.#kind = 'udp'
      this.#isProven = true
    } else if (this.#kind === 'asking') this.#kind = 'carried'
  }

  #isSilent(now: number): boolean {
    if (this.#kind === 'carried') return this.#unanswered > MOST_UNANSWERED_CARRIED
    const patienceMs = this.#isProven ? DOUBT_WHERE_PROVEN_MS : DOUBT_MS
    return this.#unanswered >= MOST_UNANSWERED && now - this.#silentSince >= patienceMs
  }
}
