/**
 * Decides how datagrams between one socket and one service of a node travel: over UDP, or carried (by TLS to a relay,
 * through the gateway to a HANDSHAKE). UDP that works to a CHECKPOINT may be blocked to another port.
 *
 *   udp       until three requests in a row are not answered and 0.7 s have passed since the first; 2 s if UDP has worked
 *   asking    both ways are tried, and the first way that brings something is used
 *   carried   until more than six requests in a row are not answered: then `asking` again
 *
 * If UDP to such a service did not work before, a new socket begins with `asking`. So nobody waits for the same timeout
 * twice, and UDP is used again as soon as it works.
 */

const MOST_UNANSWERED = 3
const DOUBT_MS = 700
const DOUBT_WHERE_PROVEN_MS = 2000
const MOST_UNANSWERED_CARRIED = 6

export type ServiceWayKind = 'udp' | 'asking' | 'carried'

export class ServiceWay {
  #kind: ServiceWayKind
  #unanswered = 0
  #silentSince = 0
  #isProven = false

  /** `isDoubtful`: UDP to another service of this kind did not work. */
  constructor(isDoubtful: boolean) {
    this.#kind = isDoubtful ? 'asking' : 'udp'
  }

  get kind(): ServiceWayKind {
    return this.#kind
  }

  /** Counts a request that is sent now and that the service always answers; `kind` says afterwards which way it takes. */
  asked(now: number): void {
    if (this.#unanswered++ === 0) this.#silentSince = now
    if (this.#isSilent(now)) this.#kind = 'asking'
  }

  heard(by: 'udp' | 'carrier'): void {
    this.#unanswered = 0
    if (by === 'udp') {
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
