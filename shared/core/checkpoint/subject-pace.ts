/**
 * Limits how often others are told of one peer: BURST times, then once in INTERVAL_MS. Faster pushes are merged: the last one is
 * always told.
 */
import type { PeerId } from '../../ids.ts'
import type { Push } from '../../push.ts'
import { DelayLine } from '../session/delay-line.ts'

const BURST = 20
const INTERVAL_MS = 10_000

type PresencePush = Extract<Push, { kind: 'presence' }>

interface Subject {
  /** Time at which a full BURST will be allowed again (GCRA). */
  fullAt: number
  held: PresencePush | undefined
}

export class SubjectPace {
  /** Peers that others were told of recently, oldest first. */
  readonly #subjects = new Map<PeerId, Subject>()
  readonly #due = new DelayLine<PeerId>(INTERVAL_MS)

  /** True if the push may be sent now; if not, it is held. */
  lets(push: PresencePush, now: number): boolean {
    this.#forget(now)
    const { peer } = push.record
    const subject = this.#subjects.get(peer) ?? { fullAt: now, held: undefined }
    this.#subjects.delete(peer)
    this.#subjects.set(peer, subject)
    const isLet = subject.held === undefined && subject.fullAt - now <= (BURST - 1) * INTERVAL_MS
    if (isLet) subject.fullAt = Math.max(subject.fullAt, now) + INTERVAL_MS
    else {
      if (subject.held === undefined) this.#due.put(peer, now)
      subject.held = merged(subject.held, push)
    }
    return isLet
  }

  /** Removes and returns the next held push that is due. */
  take(now: number): PresencePush | undefined {
    for (let peer = this.#due.take(now); peer !== undefined; peer = this.#due.take(now)) {
      const subject = this.#subjects.get(peer)
      if (subject?.held === undefined) continue
      const { held } = subject
      subject.held = undefined
      subject.fullAt = Math.max(subject.fullAt, now) + INTERVAL_MS
      return held
    }
    return undefined
  }

  deadline(): number {
    return this.#due.deadline()
  }

  #forget(now: number): void {
    for (const [peer, { fullAt, held }] of this.#subjects) {
      if (fullAt > now || held !== undefined) return
      this.#subjects.delete(peer)
    }
  }
}

/** Merges two pushes: the record of the newer one, for the networks of both. */
function merged(held: PresencePush | undefined, push: PresencePush): PresencePush {
  if (held === undefined) return push
  const [a, b] = [held.record, push.record]
  const newer = a.since > b.since || (a.since === b.since && a.version > b.version) ? held : push
  return { ...newer, networks: [...new Set([...held.networks, ...push.networks])] }
}
