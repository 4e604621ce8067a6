/**
 * The time for which the machine ran. Promises about time hold on a machine that runs: what other programs took of it is no time of
 * the run. Linux tells for each process how long it was ready to run and waited for a processor (`/proc/PID/schedstat`). In each
 * interval, the process of the run that waited longest counts: INDEX with the networks, a node, or a process of peers. A process
 * that was stopped does not wait.
 */
import { readFileSync } from 'node:fs'
import type { Recorder } from './recorder.ts'

const WATCH_MS = 200
/** Shorter waits are those of any machine. */
const WAITED_MS = 20
/** The share of the wanted messages falls if a process waited for this part of an interval, or a timer was as late. */
const BUSY = 0.3
const LEAST_SHARE = 0.05
const FALLS = 0.7
const GROWS = 0.08

export class Processor {
  /** Share of the wanted messages that the machine can carry now. */
  share = 1
  /** Milliseconds that others took, as far as the run waits for them. */
  #awaitedMs = 0
  #dueAt = performance.now() + WATCH_MS
  #waits = waitsOfAll()
  readonly #recorder: Recorder
  readonly #timer: NodeJS.Timeout
  /** Longest time that the run waits for, so that it ends. */
  readonly #mostMs: number

  constructor(recorder: Recorder, mostMs: number) {
    this.#recorder = recorder
    this.#mostMs = mostMs
    this.#timer = setInterval(() => this.#look(), WATCH_MS)
  }

  /** Milliseconds since the start of the process, without those that others took. */
  now(): number {
    return performance.now() - this.#awaitedMs
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = performance.now()
    const lateMs = now - this.#dueAt
    this.#dueAt = now + WATCH_MS
    const before = this.#waits
    this.#waits = waitsOfAll()
    const waited = [...this.#waits].map(([pid, ms]) => ms - (before.get(pid) ?? 0))
    const ms = Math.round(Math.min(Math.max(0, ...waited), WATCH_MS + lateMs))
    const isBusy = Math.max(ms, lateMs) > BUSY * WATCH_MS
    this.share = isBusy ? Math.max(LEAST_SHARE, this.share * FALLS) : Math.min(1, this.share + GROWS)
    if (ms < WAITED_MS) return
    this.#recorder.record({ kind: 'starved', ms })
    if (this.#awaitedMs + ms <= this.#mostMs) this.#awaitedMs += ms
  }
}

/** Milliseconds for which this process and its children have waited for a processor. Empty if the system does not tell. */
function waitsOfAll(): Map<number, number> {
  const waits = new Map<number, number>()
  const children = contentOf(`/proc/self/task/${process.pid}/children`).split(' ').map(Number)
  for (const pid of [process.pid, ...children]) {
    const [, nanoseconds] = contentOf(`/proc/${pid}/schedstat`).split(' ')
    if (nanoseconds !== undefined) waits.set(pid, Number(nanoseconds) / 1e6)
  }
  return waits
}

/** Returns the content of a file of `/proc`; nothing if the process has just ended. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
