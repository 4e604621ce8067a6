/**
 * Decides how datagrams between a peer and its CHECKPOINT travel: over UDP, or carried through the gateway if a network
 * drops UDP. It is inferred from what is answered, without extra requests:
 *
 *   udp       until three datagrams in a row are not answered and 0.7 s have passed since the first; 1 s if UDP has worked
 *   asking    both ways are tried, and UDP at the common ports of the node too (`service-port.ts`). The first that brings
 *             something is used: perhaps only the node was gone, and UDP to the next one works. After BOTH_MS without an answer only the gateway is used, for a network that drops
 *             incoming UDP alone: a sign-in gets out there, and a node answers each sign-in once. After ASK_MS: `udp` again
 *   carried   through the gateway. A keep-alive is sent over UDP every 30 s, and every 5 s for a quarter of an hour if UDP
 *             has worked in this network. A node answers it whatever its source address, and the answer leads back to `udp`
 *
 * If UDP came back for a short time only, it is probed less often.
 */

import { OWN_PORT, ServicePort } from './service-port.ts'

/** SIGN_IN is sent at 0, 0.25 and 0.75 s; an unanswered keep-alive every second. */
const MOST_UNANSWERED = 3
const DOUBT_MS = 700
const DOUBT_WHERE_PROVEN_MS = 1000
/** A node that is gone is abandoned after 3 s, and may be tried once more for 1.75 s. */
const BOTH_MS = 5000
const ASK_MS = 10_000
/** While carried, a node that died is abandoned for another one within 3 s. */
const MOST_UNANSWERED_CARRIED = 6
const PATIENCE_CARRIED_MS = 5000
const PROBE_MS = 30_000
/** UDP that has worked will probably work again. */
const HOPEFUL_PROBE_MS = 5000
const HOPEFUL_FOR_MS = 900_000
const LONGEST_PROBE_MS = 480_000
/** If UDP that came back works for less than this, it has not recovered. */
const LASTING_MS = 60_000
const never = Number.POSITIVE_INFINITY

export type WayKind = 'udp' | 'asking' | 'carried'

export class Way {
  readonly #mayUseUdp: boolean
  readonly #port = new ServicePort()
  #kind: WayKind = 'udp'
  /** Number of consecutive datagrams without an answer, and when the first of them was sent. */
  #unanswered = 0
  #silentSince = never
  #askedAt = never
  #doubtedAt = never
  #isProven = false
  /** Time at which UDP last worked again after the gateway had carried. */
  #cameBackAt = Number.NEGATIVE_INFINITY
  #probeMs = PROBE_MS
  #probeAt = never
  /** Time until which UDP is probed more often. */
  #hopefulUntil = Number.NEGATIVE_INFINITY

  /** `mayUseUdp`: false if everything is carried. */
  constructor(mayUseUdp = true) {
    this.#mayUseUdp = mayUseUdp
    if (!mayUseUdp) this.#kind = 'carried'
  }

  get kind(): WayKind {
    return this.#kind
  }

  /**
   * Time since which UDP is in doubt; Infinity if it never was. If UDP has worked, it is not the time of the first unanswered
   * datagram: nobody answers an acknowledgement, so that may be long ago. A sign-in is always answered, so before UDP has
   * worked it is: what others answered meanwhile counts.
   */
  get doubtedAt(): number {
    return this.#doubtedAt
  }

  /** The UDP port in use; 0 for the CHECKPOINT's own one. */
  get port(): number {
    return this.#port.port
  }

  /** UDP ports for a datagram that is sent now; 0 for the CHECKPOINT's own one. None if it goes through the gateway alone. */
  ports(now: number): readonly number[] {
    if (!this.usesUdp(now)) return []
    return this.#kind === 'udp' ? [this.#port.port] : this.#port.asked()
  }

  /** UDP ports for a keep-alive that tries whether UDP works again. */
  probePorts(): readonly number[] {
    return this.#port.asked()
  }

  /** True if datagrams are sent over UDP now, perhaps through the gateway as well. */
  usesUdp(now: number): boolean {
    return this.#kind === 'udp' || (this.#kind === 'asking' && now - this.#askedAt < BOTH_MS)
  }

  /** Counts a datagram that is sent now; `kind` says afterwards which way it takes. */
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

  /** `port`: the UDP port at which a node was heard. */
  heard(by: 'udp' | 'gateway', now: number, port = OWN_PORT): void {
    this.#unanswered = 0
    if (by === 'udp') this.#onUdp(now, port)
    else if (this.#kind === 'asking') this.#onCarried(now)
  }

  /** The gateway is unreachable. */
  gatewayFailed(): void {
    this.#retreat()
  }

  /** Time of the next keep-alive over UDP; Infinity for never. */
  get probeAt(): number {
    return this.#kind === 'carried' ? this.#probeAt : never
  }

  probed(now: number): void {
    this.#probeAt = now + this.#waitMs(now)
  }

  /** The network changed, and UDP may work in it. */
  networkChanged(): void {
    this.#isProven = false
    this.#port.forget()
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
    this.#doubtedAt = this.#isProven ? now : this.#silentSince
  }

  #onUdp(now: number, port: number): void {
    this.#port.heard(port, this.#kind !== 'udp')
    if (this.#kind === 'carried') this.#cameBackAt = now
    this.#isProven = true
    this.#kind = 'udp'
  }

  #onCarried(now: number): void {
    this.#kind = 'carried'
    const isShort = now - this.#cameBackAt < LASTING_MS
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
