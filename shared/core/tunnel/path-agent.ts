/**
 * Keeps the paths of one tunnel and chooses the one this side sends on. Each side chooses for itself, and takes packets
 * from every path: the replay window drops what came twice, so nothing is lost or doubled when the choice changes.
 *
 *   - An address becomes a candidate when a step names it or when a packet that opens comes from it (a NAT gave the
 *     other side another port, or it moved). What was heard of is probed at once.
 *   - An acknowledged small probe makes it open, an acknowledged full-sized one fit; fit and direct is promoted.
 *   - The path in use is probed twice a second while data flows, every 15 s while none does. When a probe stays
 *     unanswered the path is suspect and data goes over the spare path too, with the same counters; when all stay
 *     unanswered for 1.5 s it is dead and the spare path takes over. What had left on it before that was noticed, and may be
 *     lost, leaves again the other way (`unproven.ts`).
 *   - Before an address has answered a probe, whose id nobody can guess, it gets probes and answers only, at most
 *     UNPROVEN_CREDIT packets: three times the bytes that came from it, and what a step that names it allows.
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

/** A candidate that was probed this shortly ago has a probe under way already. */
const JUST_PROBED_MS = 20
/** Nothing is under way for so long. */
const ARRIVED_MS = 2000
/** After the first repeat: two probes were lost and more, which is hardly chance. */
const GAP_MS = 50
const never = Number.POSITIVE_INFINITY

export class PathAgent {
  /** Data is sent by others beside this machine (streams): check the path as if it were sent here. */
  streaming = false
  /** The path in use was not answered for some time. */
  silent = false
  readonly #packets: Packets
  readonly #directAllowed: boolean
  readonly #table = new PathTable()
  readonly #probes: Probes
  readonly #unproven = new Unproven()
  #active: Path | undefined
  /** When the path in use was chosen. */
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

  /** A direct path was in use and fell silent, and none has replaced it. */
  get directDied(): boolean {
    return this.#directDied
  }

  /** Data goes directly, and much of it is lost: a relay may be better. */
  get lossy(): boolean {
    return this.#active?.kind === 'direct' && isLossy(this.#active)
  }

  /** Data goes over a relay although there is a direct path. */
  get relayBetter(): boolean {
    return this.#active?.kind === 'relayed' && [...this.#table].some(rests)
  }

  /** The best direct path: fit rather than open, undefined where none is even open. */
  get direct(): Path | undefined {
    const open = [...this.#table].filter(
      ({ kind, state }) => kind === 'direct' && (state === 'open' || state === 'fit'),
    )
    return open.find(({ state }) => state === 'fit') ?? open[0]
  }

  suspect(now: number): boolean {
    return this.#active !== undefined && now >= suspectAt(this.#active)
  }

  /** False where there is no path; then nothing was sent. */
  send(out: Batch, payload: Uint8Array, now: number): boolean {
    if (this.#active === undefined) return false
    const slot = this.#packets.sendData(out, this.#active, payload, now)
    this.#demandAt = now
    const spare = this.suspect(now) ? this.#spare() : undefined
    if (spare === undefined) this.#unproven.keep(out, slot, now)
    else sendAgain(out, slot, spare)
    return true
  }

  /** Over the path in use, and the spare one while that is suspect. False where there is no path. */
  sendControl(control: Control, out: Batch, now: number): boolean {
    if (this.#active === undefined) return false
    this.#packets.sendControl(out, this.#active, control, now)
    const spare = this.suspect(now) ? this.#spare() : undefined
    if (spare !== undefined) this.#packets.sendControl(out, spare, control, now)
    return true
  }

  /** The path that a packet of so many bytes, which opened, came by; undefined where packets from there are not wanted. */
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

  /** One probe of a step to an address it named. */
  probeTarget(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    if (!this.#directAllowed) return false
    const path = this.#table.reach('direct', words, 0, socket, now)
    return path !== undefined && path.state === 'candidate' && this.#probe(path, out, now, ttl)
  }

  /** The other side is probably there: asks for everything at once, and goes on asking a little. */
  greet(words: Uint32Array, socket: number, out: Batch, now: number): boolean {
    const path = this.#directAllowed ? this.#table.reach('direct', words, 0, socket, now) : undefined
    if (path?.state !== 'candidate') return false
    path.tries = TRIES.candidate
    return this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes)
  }

  /** A probe that may pass has just gone there. */
  isUnderWay(words: Uint32Array, socket: number, now: number): boolean {
    const path = this.#table.find(words, 0, socket)
    return path !== undefined && now - path.probedAt < JUST_PROBED_MS
  }

  /** A direct path that is there already is to prove itself once more, if it is not about to. */
  confirm(out: Batch, now: number): void {
    const { direct } = this
    if (direct?.state === 'fit' && direct.unackedSince === never) this.#probe(direct, out, now)
  }

  /** One of full size, to where the other side is known to be: its answer makes the path fit at once. */
  probeInFull(words: Uint32Array, socket: number, out: Batch, now: number): boolean {
    if (!this.#directAllowed) return false
    const path = this.#table.reach('direct', words, 0, socket, now)
    if (path?.state !== 'candidate') return false
    return this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes)
  }

  /** A probe to where probably nobody is: no path is made, and only what the other side sends because of it counts. */
  strew(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    if (this.#directAllowed) this.#probes.strew({ words, socket }, ttl, out, now)
    return this.#directAllowed
  }

  /** Those, besides the tunnel's own, on which something of the other side came. */
  get usedSockets(): ReadonlySet<number> {
    const heard = [...this.#table].filter(({ heardAt }) => heardAt !== Number.NEGATIVE_INFINITY)
    return new Set(heard.map(({ socket }) => socket).filter((socket) => socket > 0))
  }

  /** A new step was ordered: its targets may be sent to afresh, in full size where small probes cross. */
  renew(words: Uint32Array, socket: number, now: number): void {
    const path = this.#directAllowed ? this.#table.reach('direct', words, 0, socket, now) : undefined
    if (path === undefined) return
    path.credit = namedCredit()
    if (path.state === 'gone') path.state = 'candidate'
    if (path.state === 'open') path.tries = TRIES.fit
  }

  /** The path in use ends soon. This side goes over to another socket of its own. */
  moveTo(socket: number, out: Batch, now: number): void {
    const old = this.#active
    if (old?.kind !== 'direct' || old.socket === socket) return
    this.#replace(old, this.#table.reach('direct', old.words, 0, socket, now), out, now)
  }

  /**
   * The path in use ends soon, as a packet of so many bytes says. The other side goes over to another port of its NAT; to
   * another IP it would have to come itself.
   */
  follow({ words }: Address, bytes: number, out: Batch, now: number): void {
    const old = this.#active
    if (old?.kind !== 'direct' || words[PORT_WORD] === 0) return
    if (!sameIp(words, 0, old.words, 0) || sameAddress(words, 0, old.words, 0)) return
    const path = this.#table.reach('direct', words, 0, old.socket, now, 'heard')
    if (path !== undefined && !isValidated(path)) path.credit.received(bytes)
    this.#replace(old, path, out, now)
  }

  /** What the other side sends through this relay may come before the relay says that both legs are bound. */
  addRelay(words: Uint32Array, socket: number, now: number): void {
    const path = this.#table.reach('relayed', words, 0, socket, now)
    if (path?.state === 'gone') path.state = 'candidate'
  }

  /** Both legs are bound at this relay: data may go there at once, unless it fell silent before. Measures it too. */
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

  /** An address changed here or there: what worked may not work any more, and is looked at at once. */
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
   * Something came from there: it is probed with the next tick, unless what came is a probe and is answered with another.
   * `isFirst`: the other side's NAT is known to be open only now, and may have kept away what was sent before.
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

  /** `isGap`: those before were not answered. A way that mended itself has lost what it was given. */
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

  /** Another has taken its place; what is on the way on it has come. */
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
   * Where none is in use, begins with a relay, so that a direct path that was left for one stays left when another relay
   * takes its place. Says at once that a direct path is used from now on: the other side waits for it before it gives up
   * its relay.
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
