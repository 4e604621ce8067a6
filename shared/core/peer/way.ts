/**
 * Which way the datagrams between a peer and its CHECKPOINT travel: over UDP, or carried through the gateway where a network
 * drops UDP. Found out from what is answered, without a question of its own:
 *
 *   udp       until the third datagram in a row is not answered, 0.7 s after the first; 1 s if UDP has worked
 *   asking    the gateway is tried too. Whichever way something comes by first is taken: it may be that only the node was gone,
 *             and UDP to the next one works. Neither in BOTH_MS: the gateway alone, as a network that drops only what comes
 *             in lets a sign-in out, and a node answers each once. Neither in ASK_MS: `udp` again
 *   carried   through the gateway. Every 30 s a keep-alive is sent over UDP, and every 5 s for a quarter of an hour if UDP has
 *             worked in this network: a node answers it wherever it comes from, and that answer is the way back to `udp`
 *
 * If UDP worked for a short time only, it is tried less often.
 */

/** SIGN_IN is sent at 0, 0.25 and 0.75 s; a keep-alive that is not answered each second. */
const MOST_UNANSWERED = 3
const DOUBT_MS = 700
const DOUBT_WHERE_PROVEN_MS = 1000
/** A node that is gone is left after 3 s, and may be tried once more for 1.75 s. */
const BOTH_MS = 5000
const ASK_MS = 10_000
/** A node that died is left within 3 s, for another one. */
const MOST_UNANSWERED_CARRIED = 6
const PATIENCE_CARRIED_MS = 5000
const PROBE_MS = 30_000
/** UDP that has worked will probably work again. */
const HOPEFUL_PROBE_MS = 5000
const HOPEFUL_FOR_MS = 900_000
const LONGEST_PROBE_MS = 480_000
/** UDP that lasts for less has not come back. */
const LASTING_MS = 60_000
const never = Number.POSITIVE_INFINITY

export type WayKind = 'udp' | 'asking' | 'carried'

export class Way {
  readonly #mayUseUdp: boolean
  #kind: WayKind = 'udp'
  /** Datagrams in a row without an answer, and when the first of them was sent. */
  #unanswered = 0
  #silentSince = never
  #askedAt = never
  #isProven = false
  #provenAt = Number.NEGATIVE_INFINITY
  #probeMs = PROBE_MS
  #probeAt = never
  /** Until then UDP is tried more often. */
  #hopefulUntil = Number.NEGATIVE_INFINITY

  /** False: always carried. */
  constructor(mayUseUdp = true) {
    this.#mayUseUdp = mayUseUdp
    if (!mayUseUdp) this.#kind = 'carried'
  }

  get kind(): WayKind {
    return this.#kind
  }

  /** When the first of the datagrams was sent that nobody answered. */
  get silentSince(): number {
    return this.#silentSince
  }

  /** Whether what is sent now goes over UDP, and not only through the gateway. */
  usesUdp(now: number): boolean {
    return this.#kind === 'udp' || (this.#kind === 'asking' && now - this.#askedAt < BOTH_MS)
  }

  /** A datagram is sent now, by the way that `kind` says afterwards. */
  sent(now: number): void {
    if (this.#unanswered++ === 0) this.#silentSince = now
    const silentMs = now - this.#silentSince
    if (this.#kind === 'udp' && this.#isSilent(silentMs)) this.#ask(now)
    else if (this.#kind === 'asking' && now - this.#askedAt >= ASK_MS) this.#retreat()
    else if (
      this.#kind === 'carried' &&
      this.#unanswered > MOST_UNANSWERED_CARRIED &&
      silentMs >= PATIENCE_CARRIED_MS
    )
      this.#retreat()
  }

  heard(by: 'udp' | 'gateway', now: number): void {
    this.#unanswered = 0
    if (by === 'udp') this.#onUdp(now)
    else if (this.#kind === 'asking') this.#onCarried(now)
  }

  /** The gateway cannot be reached. */
  gatewayFailed(): void {
    this.#retreat()
  }

  /** When a keep-alive is to be sent over UDP; Infinity for never. */
  get probeAt(): number {
    return this.#kind === 'carried' ? this.#probeAt : never
  }

  probed(now: number): void {
    this.#probeAt = now + this.#waitMs(now)
  }

  /** UDP may work where we are now. */
  networkChanged(): void {
    this.#isProven = false
    this.#probeMs = PROBE_MS
    this.#hopefulUntil = Number.NEGATIVE_INFINITY
    if (this.#mayUseUdp) this.#probeAt = Number.NEGATIVE_INFINITY
  }

  #isSilent(silentMs: number): boolean {
    const patienceMs = this.#isProven ? DOUBT_WHERE_PROVEN_MS : DOUBT_MS
    return this.#unanswered >= MOST_UNANSWERED && silentMs >= patienceMs
  }

  #ask(now: number): void {
    this.#kind = 'asking'
    this.#askedAt = now
  }

  #onUdp(now: number): void {
    if (!this.#isProven || this.#kind !== 'udp') this.#provenAt = now
    this.#isProven = true
    this.#kind = 'udp'
  }

  #onCarried(now: number): void {
    this.#kind = 'carried'
    const isShort = now - this.#provenAt < LASTING_MS
    this.#probeMs = isShort ? Math.min(2 * this.#probeMs, LONGEST_PROBE_MS) : PROBE_MS
    this.#hopefulUntil = this.#isProven && !isShort ? now + HOPEFUL_FOR_MS : Number.NEGATIVE_INFINITY
    this.#probeAt = now + this.#waitMs(now)
  }

  #waitMs(now: number): number {
    return now < this.#hopefulUntil ? HOPEFUL_PROBE_MS : this.#probeMs
  }

  #retreat(): void {
    if (!this.#mayUseUdp) return
    this.#kind = 'udp'
    this.#isProven = false
    this.#unanswered = 0
  }
}
