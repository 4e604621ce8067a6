/**
 * Proves the paths of one tunnel with probes, and has the choice reviewed whenever that changes one.
 *
 * - An address becomes a candidate when a step names it, or when an authentic packet comes from it: the other side
 *   moved, or its NAT assigned another port. A candidate that a packet came from is probed immediately.
 * - A candidate becomes open when a small probe is acknowledged, and fit when a full-sized one is. A direct path that
 *   is fit is preferred to a relay.
 * - The path in use is probed twice a second while data flows, otherwise every 15 s. An unanswered probe makes the path
 *   suspect. After 1.5 s without an answer it is dead, and the spare path takes over.
 * - A probe id cannot be guessed. Until an address has answered a probe, it receives only probes and answers. These are
 *   limited to UNPROVEN_CREDIT packets, and to three times the bytes received from the address plus what a step allows.
 */
import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Choice } from './choice.ts'
import {
  abandon,
  acknowledged,
  deadAt,
  die,
  doubt,
  isValidated,
  JUST_PROBED_MS,
  type Path,
  probeDueAt,
  prove,
  suspectAt,
  TRIES,
} from './path.ts'
import type { PathBook } from './path-book.ts'
import { rests, seemsLossy } from './path-choice.ts'
import type { Probe, ProbeAck, Probes } from './probes.ts'
import type { Sender } from './sender.ts'

/**
 * An answer to a probe that was sent this long after the path became suspect shows an outage: at least two probes were
 * lost before it, which is hardly chance.
 */
const GAP_MS = 50
const never = Number.POSITIVE_INFINITY

export class Prover {
  readonly #book: PathBook
  readonly #probes: Probes
  readonly #choice: Choice
  readonly #sender: Sender

  constructor(book: PathBook, probes: Probes, choice: Choice, sender: Sender) {
    this.#book = book
    this.#probes = probes
    this.#choice = choice
    this.#sender = sender
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
    const known = this.#book.find(words, at, socket)
    const path = known ?? this.#book.reach('direct', words, at, socket, now, 'heard')
    if (path === undefined) return undefined
    if (!isValidated(path)) path.credit.received(bytes)
    const isFirst = path.heardAt === Number.NEGATIVE_INFINITY
    if (newest || isFirst) path.heardAt = now
    if (path.kind === 'relayed' && path.state === 'candidate') {
      prove(path)
      this.#review(out, now)
    }
    if (path.state === 'candidate') wonder(path, isFirst, now)
    return path
  }

  onProbe(path: Path, probe: Probe, out: Batch, now: number): void {
    path.otherHere = probe.here
    if (path.state === 'gone') return
    this.#probes.answer(path, probe, path === this.#choice.active, out, now)
  }

  onAck(path: Path, ack: ProbeAck, out: Batch, now: number): void {
    const probe = this.#probes.settle(path, ack)
    if (probe === undefined || path.state === 'gone') return
    const isGap = probe.sentAt >= suspectAt(path) + GAP_MS
    acknowledged(path, probe.sentAt, now)
    if (path === this.#choice.active) this.#sender.answered(probe.sentAt, isGap, out)
    path.observed = ack.observed
    const full = probe.bytes === LIMITS.datagramBytes
    if (path.state !== 'fit' && (full || path.kind === 'relayed')) prove(path)
    else if (path.state === 'candidate') this.#becomeOpen(path, out, now)
    this.#review(out, now)
  }

  /** Probes the direct path once more, unless a probe is unanswered already. */
  confirm(out: Batch, now: number): void {
    const { direct } = this.#book
    if (direct?.state === 'fit' && direct.unackedSince === never) this.#probe(direct, out, now)
  }

  /** Probes a candidate now, unless that was just done, and again while it does not answer. */
  examine(path: Path, out: Batch, now: number): void {
    path.tries = TRIES.candidate
    if (now - path.probedAt >= JUST_PROBED_MS) this.#probeAgain(path, out, now)
  }

  /**
   * Uses the path through a relay for data, as both legs are bound, and measures it. If it fell silent before, it is
   * only probed.
   */
  admit(relayed: Path, out: Batch, now: number): void {
    if (relayed.state === 'fit') return
    if (relayed.died) {
      this.examine(relayed, out, now)
      return
    }
    prove(relayed)
    this.#probe(relayed, out, now)
    this.#review(out, now)
  }

  /** Gives up the path through a relay that was released or lost. */
  dismiss(relayed: Path, out: Batch, now: number): void {
    abandon(relayed)
    this.#choice.lose(relayed)
    this.#review(out, now)
  }

  /** An address of either side changed: every path that worked is suspect and is probed immediately. */
  doubt(out: Batch, now: number): void {
    for (const path of this.#book) {
      if (path.state === 'candidate' || path.state === 'gone') continue
      doubt(path, now)
      this.#probe(path, out, now)
    }
  }

  tick(out: Batch, now: number): void {
    for (const path of this.#book) this.#check(path, out, now)
    this.#book.forget(now)
    this.#review(out, now)
    this.#sender.rescue(out, now)
  }

  deadline(): number {
    let least = never
    for (const path of this.#book) {
      least = Math.min(least, this.#dueAt(path))
      if (path.state === 'fit') least = Math.min(least, deadAt(path))
    }
    return least
  }

  #check(path: Path, out: Batch, now: number): void {
    if (path.state === 'fit' && now >= deadAt(path)) {
      die(path)
      this.#choice.lose(path)
    }
    if (now >= this.#dueAt(path)) this.#probeAgain(path, out, now)
    if (this.#choice.isLeft(path, now)) abandon(path)
  }

  #dueAt(path: Path): number {
    const { active } = this.#choice
    const comparesRelay = path.kind === 'relayed' && active !== undefined && seemsLossy(active)
    if (path === active || comparesRelay) return probeDueAt(path, this.#sender.demandAt)
    return probeDueAt(path, Number.NEGATIVE_INFINITY, active?.kind === 'relayed' && rests(path))
  }

  #probeAgain(path: Path, out: Batch, now: number): void {
    if (path.state !== 'fit') path.tries--
    if (!this.#probe(path, out, now)) path.tries = 0
  }

  #probe(path: Path, out: Batch, now: number): boolean {
    return this.#probes.send(path, path === this.#choice.active, out, now)
  }

  #becomeOpen(path: Path, out: Batch, now: number): void {
    path.state = 'open'
    path.tries = TRIES.fit
    this.#probeAgain(path, out, now)
  }

  /**
   * Probes a newly chosen direct path immediately, because the other side waits for that notice before it releases its
   * relay.
   */
  #review(out: Batch, now: number): void {
    const chosen = this.#choice.review(now)
    if (chosen === undefined) return
    this.#sender.changed(chosen, out)
    if (chosen.path.kind === 'direct') this.#probe(chosen.path, out, now)
  }
}

/**
 * Something came from this candidate: it is probed with the next tick, unless what came is a probe and is answered with
 * another. `isFirst`: the other side's NAT is known to be open only now, and may have blocked what was sent before.
 */
function wonder(path: Path, isFirst: boolean, now: number): void {
  path.tries = TRIES.candidate
  if (isFirst || now - path.probedAt >= JUST_PROBED_MS) path.probedAt = Number.NEGATIVE_INFINITY
}
