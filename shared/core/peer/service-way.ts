/**
 * Which way the datagrams between one socket and one service of a node travel: over UDP, or carried (by TLS to a relay,
 * through the gateway to a HANDSHAKE). That UDP to a CHECKPOINT works says nothing of another port.
 *
 *   udp       until the third question in a row is not answered, 0.7 s after the first; 2 s where UDP has worked
 *   asking    both ways. The one by which something comes first is taken
 *   carried   until six questions in a row are not answered: then `asking` again
 *
 * A socket that is opened where UDP to such a service did not work before begins with `asking`: nobody waits for the same
 * thing twice, and UDP is taken again as soon as it works.
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

  /** `isDoubtful`: UDP to another one of its kind did not work. */
  constructor(isDoubtful: boolean) {
    this.#kind = isDoubtful ? 'asking' : 'udp'
  }

  get kind(): ServiceWayKind {
    return this.#kind
  }

  /** What a service always answers leaves now, by the way that `kind` says afterwards. */
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
