/**
 * Keeps the paths of one tunnel and chooses the one that this side sends on. Each side chooses for itself and accepts
 * packets from every path. The replay window drops duplicates, so a change of path neither loses nor repeats a packet.
 *
 * - An address becomes a candidate when a step names it, or when an authentic packet comes from it: the other side
 *   moved, or its NAT assigned another port. A candidate that a packet came from is probed immediately.
 * - A candidate becomes open when a small probe is acknowledged, and fit when a full-sized one is. A direct path that
 *   is fit is preferred to a relay.
 * - The path in use is probed twice a second while data flows, otherwise every 15 s. An unanswered probe makes the path
 *   suspect: data is sent over the spare path too, with the same counters.
 * - After 1.5 s without an answer the path is dead and the spare path takes over. Packets sent on the dead path that
 *   may be lost are sent again over the spare path (`unproven.ts`).
 * - A probe id cannot be guessed. Until an address has answered a probe, it receives only probes and answers. These are
 *   limited to UNPROVEN_CREDIT packets, and to three times the bytes received from the address plus what a step allows.
 */

import type { Random } from '../../crypto/random.ts'
import { LIMITS } from '../../limits.ts'
import { type Address, PORT_WORD, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Control } from '../../wire/tunnel.ts'
import { type Packets, sendAgain } from './packets.ts'
import {
  abandon,
  acknowledged,
  deadAt,
  doubt,
  isLeaving,
  isValidated,
  leave,
  namedCredit,
  type Path,
  probeDueAt,
  silentAt,
  suspectAt,
  TRIES,
} from './path.ts'
import { isBetter, isForgotten, isLossy, rests, seemsLossy } from './path-choice.ts'
import { PathTable } from './path-table.ts'
import { type Probe, type ProbeAck, type ProbeCounters, Probes } from './probes.ts'
import { Unproven } from './unproven.ts'

/** A candidate that was probed less than this long ago counts as being probed. */
const JUST_PROBED_MS = 20
/** Packets that were on their way on a replaced path have arrived after this time. */
const ARRIVED_MS = 2000
/**
 * An answer to a probe that was sent this long after the path became suspect shows an outage: at least two probes were
 * lost before it, which is hardly chance.
 */
const GAP_MS = 50
const never = Number.POSITIVE_INFINITY

export class PathAgent {
  /** Streams send data past this machine: the path is checked as often as if the data were sent here. */
  streaming = false
  /** The path in use has not answered its probes for some time (`silentAt`). */
  silent = false
  readonly #packets: Packets
  readonly #directAllowed: boolean
  readonly #table = new PathTable()
  readonly #probes: Probes
  readonly #unproven = new Unproven()
  #active: Path | undefined
  /** Time at which the path in use was chosen. */
  #chosenAt = Number.NEGATIVE_INFINITY
  #demandAt = Number.NEGATIVE_INFINITY
  #directDied = false

  constructor(packets: Packets, directAllowed: boolean, random: Random) {
    this.#packets = packets
    this.#probes = new Probes(packets, random)
    this.#directAllowed = directAllowed
  }

  get active(): Path | undefined {
    return this.#active
  }

  get kept(): { readonly paths: number; readonly probes: number } {
    return { paths: this.#table.size, probes: this.#probes.size }
  }

  get counters(): ProbeCounters {
    return this.#probes.counters
  }

  /** True if the direct path in use died and no other direct path has replaced it. */
  get directDied(): boolean {
    return this.#directDied
  }

  /** True if data goes directly and much of it is lost, so that a relay may be better. */
  get lossy(): boolean {
    return this.#active?.kind === 'direct' && isLossy(this.#active)
  }

  /** True if data goes over a relay although a direct path exists. */
  get relayBetter(): boolean {
    return this.#active?.kind === 'relayed' && [...this.#table].some(rests)
  }

  /** The best direct path: a fit one, otherwise an open one. Undefined if there is neither. */
  get direct(): Path | undefined {
    const open = [...this.#table].filter(
      ({ kind, state }) => kind === 'direct' && (state === 'open' || state === 'fit'),
    )
    return open.find(({ state }) => state === 'fit') ?? open[0]
  }

  suspect(now: number): boolean {
    return this.#active !== undefined && now >= suspectAt(this.#active)
  }

  /** Sends a datagram. False if there is no path; then nothing was sent. */
  send(out: Batch, payload: Uint8Array, now: number): boolean {
    if (this.#active === undefined) return false
    const slot = this.#packets.sendData(out, this.#active, payload, now)
    this.#demandAt = now
    const spare = this.suspect(now) ? this.#spare() : undefined
    if (spare === undefined) this.#unproven.keep(out, slot, now)
    else sendAgain(out, slot, spare)
    return true
  }

  /** Sends on the path in use, and on the spare path too while the first is suspect. False if there is no path. */
  sendControl(control: Control, out: Batch, now: number): boolean {
    if (this.#active === undefined) return false
    this.#packets.sendControl(out, this.#active, control, now)
    const spare = this.suspect(now) ? this.#spare() : undefined
    if (spare !== undefined) this.#packets.sendControl(out, spare, control, now)
    return true
  }

  /**
   * Records an authentic packet of `bytes` bytes and returns the path it came by. Undefined if packets from that
   * address are not wanted.
   */
  heard(
    words: Uint32Array,
    at: number,
    socket: number,
    { newest, bytes }: { readonly newest: boolean; readonly bytes: number },
    out: Batch,
    now: number,
  ): Path | undefined {
    const path =
      this.#table.find(words, at, socket) ??
      (this.#directAllowed ? this.#table.reach('direct', words, at, socket, now, 'heard') : undefined)
    if (path === undefined) return undefined
    if (!isValidated(path)) path.credit.received(bytes)
    const isFirst = path.heardAt === Number.NEGATIVE_INFINITY
    if (newest || isFirst) path.heardAt = now
    if (path.kind === 'relayed' && path.state === 'candidate') {
      this.#becomeFit(path)
      this.#choose(out, now)
    }
    if (path.state === 'candidate') this.#wonder(path, isFirst, now)
    return path
  }

  onProbe(path: Path, probe: Probe, out: Batch, now: number): void {
    path.otherHere = probe.here
    if (path.state === 'gone') return
    this.#probes.answer(path, probe, path === this.#active, out, now)
  }

  onAck(path: Path, ack: ProbeAck, out: Batch, now: number): void {
    const probe = this.#probes.settle(path, ack)
    if (probe === undefined || path.state === 'gone') return
    const isGap = probe.sentAt >= suspectAt(path) + GAP_MS
    acknowledged(path, probe.sentAt, now)
    if (path === this.#active) this.#settle(path, probe.sentAt, isGap, out)
    path.observed = ack.observed
    const full = probe.bytes === LIMITS.datagramBytes
    if (path.state !== 'fit' && (full || path.kind === 'relayed')) this.#becomeFit(path)
    else if (path.state === 'candidate') this.#becomeOpen(path, out, now)
    this.#choose(out, now)
  }

  /** Sends one probe of a step to an address that the step named. */
  probeTarget(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    if (!this.#directAllowed) return false
    const path = this.#table.reach('direct', words, 0, socket, now)
    return path !== undefined && path.state === 'candidate' && this.#probe(path, out, now, ttl)
  }

  /**
   * Sends a full-sized probe to the expected address of the other side, and small ones after it while none is answered.
   */
  greet(words: Uint32Array, socket: number, out: Batch, now: number): boolean {
    const path = this.#directAllowed ? this.#table.reach('direct', words, 0, socket, now) : undefined
    if (path?.state !== 'candidate') return false
    path.tries = TRIES.candidate
    return this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes)
  }

  /** True if a probe that may reach the other side was just sent to this address. */
  isUnderWay(words: Uint32Array, socket: number, now: number): boolean {
    const path = this.#table.find(words, 0, socket)
    return path !== undefined && now - path.probedAt < JUST_PROBED_MS
  }

  /** Probes the direct path once more, unless a probe is unanswered already. */
  confirm(out: Batch, now: number): void {
    const { direct } = this
    if (direct?.state === 'fit' && direct.unackedSince === never) this.#probe(direct, out, now)
  }

  /**
   * Sends a full-sized probe to an address at which the other side is known to be: its answer makes the path fit
   * immediately.
   */
  probeInFull(words: Uint32Array, socket: number, out: Batch, now: number): boolean {
    if (!this.#directAllowed) return false
    const path = this.#table.reach('direct', words, 0, socket, now)
    if (path?.state !== 'candidate') return false
    return this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes)
  }

  /**
   * Sends a probe to an address that probably belongs to nobody. No path is made for it: the path comes from what the
   * other side sends in return.
   */
  strew(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    if (this.#directAllowed) this.#probes.strew({ words, socket }, ttl, out, now)
    return this.#directAllowed
  }

  /** Sockets, besides the tunnel's own, on which a packet of the other side arrived. */
  get usedSockets(): ReadonlySet<number> {
    const heard = [...this.#table].filter(({ heardAt }) => heardAt !== Number.NEGATIVE_INFINITY)
    return new Set(heard.map(({ socket }) => socket).filter((socket) => socket > 0))
  }

  /**
   * Prepares a target of a new step: renews its credit, revives an abandoned path, and lets an open path be probed in
   * full size again.
   */
  renew(words: Uint32Array, socket: number, now: number): void {
    const path = this.#directAllowed ? this.#table.reach('direct', words, 0, socket, now) : undefined
    if (path === undefined) return
    path.credit = namedCredit()
    if (path.state === 'gone') path.state = 'candidate'
    if (path.state === 'open') path.tries = TRIES.fit
  }

  /** Moves this side to another socket of its own, because the path in use ends soon. */
  moveTo(socket: number, out: Batch, now: number): void {
    const old = this.#active
    if (old?.kind !== 'direct' || old.socket === socket) return
    this.#replace(old, this.#table.reach('direct', old.words, 0, socket, now), out, now)
  }

  /**
   * Follows the other side to another port of its NAT, because the path in use ends soon. `bytes` is the size of the
   * packet that announced it. An address with another IP is ignored: the other side must send from there itself.
   */
  follow({ words }: Address, bytes: number, out: Batch, now: number): void {
    const old = this.#active
    if (old?.kind !== 'direct' || words[PORT_WORD] === 0) return
    if (!sameIp(words, 0, old.words, 0) || sameAddress(words, 0, old.words, 0)) return
    const path = this.#table.reach('direct', words, 0, old.socket, now, 'heard')
    if (path !== undefined && !isValidated(path)) path.credit.received(bytes)
    this.#replace(old, path, out, now)
  }

  /**
   * Adds the path through a relay. Packets of the other side may come through it before the relay reports that both
   * legs are bound.
   */
  addRelay(words: Uint32Array, socket: number, now: number): void {
    const path = this.#table.reach('relayed', words, 0, socket, now)
    if (path?.state === 'gone') path.state = 'candidate'
  }

  /**
   * Uses the path through this relay for data, as both legs are bound, and measures it. If it fell silent before, it is
   * only probed.
   */
  relayUsable(words: Uint32Array, socket: number, out: Batch, now: number): void {
    const path = this.#table.reach('relayed', words, 0, socket, now)
    if (path === undefined || path.state === 'fit') return
    if (path.died) {
      this.#examine(path, out, now)
      return
    }
    this.#becomeFit(path)
    this.#probe(path, out, now)
    this.#choose(out, now)
  }

  relayGone(words: Uint32Array, socket: number, out: Batch, now: number): void {
    const path = this.#table.find(words, 0, socket)
    if (path?.kind !== 'relayed') return
    abandon(path)
    if (this.#active === path) this.#active = undefined
    this.#choose(out, now)
  }

  /** An address of either side changed: every path that worked is suspect and is probed immediately. */
  doubt(out: Batch, now: number): void {
    for (const path of this.#table) {
      if (path.state === 'candidate' || path.state === 'gone') continue
      doubt(path, now)
      this.#probe(path, out, now)
    }
  }

  tick(out: Batch, now: number): void {
    for (const path of [...this.#table]) {
      if (path.state === 'fit' && now >= deadAt(path)) this.#die(path)
      if (now >= this.#dueAt(path)) this.#probeAgain(path, out, now)
      if (this.#isLeft(path, now)) abandon(path)
      if (isForgotten(path, now)) this.#table.remove(path)
    }
    this.#choose(out, now)
    this.silent = this.#active !== undefined && now >= silentAt(this.#active)
    const spare = this.silent ? this.#spare() : undefined
    if (spare !== undefined) this.#unproven.sendTo(spare, out)
  }

  deadline(): number {
    let least = never
    for (const path of this.#table) {
      least = Math.min(least, this.#dueAt(path))
      if (path.state === 'fit') least = Math.min(least, deadAt(path))
    }
    return least
  }

  #dueAt(path: Path): number {
    const demandAt = this.streaming ? never : this.#demandAt
    if (path === this.#active) return probeDueAt(path, demandAt)
    if (path.kind === 'relayed' && this.#active !== undefined && seemsLossy(this.#active))
      return probeDueAt(path, demandAt)
    return probeDueAt(path, Number.NEGATIVE_INFINITY, this.#active?.kind === 'relayed' && rests(path))
  }

  #examine(path: Path, out: Batch, now: number): void {
    path.tries = TRIES.candidate
    if (now - path.probedAt >= JUST_PROBED_MS) this.#probeAgain(path, out, now)
  }

  /**
   * Something came from this candidate: it is probed with the next tick, unless what came is a probe and is answered
   * with another. `isFirst`: the other side's NAT is known to be open only now, and may have blocked what was sent
   * before.
   */
  #wonder(path: Path, isFirst: boolean, now: number): void {
    path.tries = TRIES.candidate
    if (isFirst || now - path.probedAt >= JUST_PROBED_MS) path.probedAt = Number.NEGATIVE_INFINITY
  }

  #probeAgain(path: Path, out: Batch, now: number): void {
    if (path.state !== 'fit') path.tries--
    if (!this.#probe(path, out, now)) path.tries = 0
  }

  #probe(path: Path, out: Batch, now: number, ttl = 0): boolean {
    return this.#probes.send(path, path === this.#active, out, now, ttl)
  }

  /**
   * `isGap`: earlier probes were not answered, so the path has recovered from an outage and has lost what was sent in
   * it.
   */
  #settle(path: Path, sentAt: number, isGap: boolean, out: Batch): void {
    if (isGap) this.#unproven.sendTo(path, out)
    else this.#unproven.proven(sentAt)
  }

  #becomeOpen(path: Path, out: Batch, now: number): void {
    path.state = 'open'
    path.tries = TRIES.fit
    this.#probeAgain(path, out, now)
  }

  #becomeFit(path: Path): void {
    path.state = 'fit'
    path.died = false
    path.unackedSince = never
  }

  #die(path: Path): void {
    if (path === this.#active && path.kind === 'direct') this.#directDied = true
    if (path === this.#active) this.#active = undefined
    path.state = 'candidate'
    path.died = true
    path.otherHere = false
    path.unackedSince = never
    path.tries = TRIES.revival
  }

  #replace(old: Path, path: Path | undefined, out: Batch, now: number): void {
    if (path === undefined) return
    leave(old, now)
    if (path.state === 'candidate') this.#examine(path, out, now)
  }

  /** True if another path has replaced this one, and packets still on their way have arrived. */
  #isLeft(path: Path, now: number): boolean {
    const isReplaced = this.#active?.kind === 'direct' && !isLeaving(this.#active, now)
    return isLeaving(path, now) && isReplaced && now >= this.#chosenAt + ARRIVED_MS
  }

  #relay(): Path | undefined {
    for (const path of this.#table) if (path.kind === 'relayed' && path.state === 'fit') return path
    return undefined
  }

  #spare(): Path | undefined {
    for (const path of this.#table) if (path !== this.#active && path.state === 'fit') return path
    return undefined
  }

  /**
   * Chooses the path to send on. If none is in use, begins with a relay: a direct path that was left for a relay stays
   * left when another relay takes over. Probes a newly chosen direct path immediately, because the other side waits for
   * that notice before it releases its relay.
   */
  #choose(out: Batch, now: number): void {
    let best = this.#active ?? this.#relay()
    for (const path of this.#table) {
      if (path.state === 'fit' && isBetter(path, best, now)) best = path
    }
    if (best === undefined || best === this.#active) return
    if (this.#active === undefined || this.suspect(now)) this.#unproven.sendTo(best, out)
    this.#active = best
    this.#chosenAt = now
    if (best.kind === 'relayed') return
    this.#directDied = false
    this.#probe(best, out, now)
  }
}
