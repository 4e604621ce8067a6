/**
 * How near this process is to what it can do, measured and not counted: a node that has few peers may still drown, in
 * large packets, in a flood, or because something else takes its CPU.
 */
import { performance } from 'node:perf_hooks'

/** One reading of the process. Counts grow from its start on. */
export interface Reading {
  /** Milliseconds of any clock that does not jump. */
  readonly atMs: number
  /** Milliseconds in which the event loop was at work or waited for a core. */
  readonly activeMs: number
  /** Milliseconds of CPU, user and kernel, of all threads. */
  readonly cpuMs: number
  /** Datagrams that the sockets handed over, and those that the kernel lost as their buffers were full. */
  readonly received: number
  readonly overrun: number
}

/** One datagram in a hundred lost before it was read is saturation. */
const OVERRUN_LIMIT = 0.01
/** Shorter times say little. */
const LEAST_MS = 1000

/** 0 to 1, between two readings: the greatest of event loop utilisation, CPU of one core, and losses of the sockets. */
export function saturation(before: Reading, after: Reading): number {
  const elapsed = Math.max(1, after.atMs - before.atMs)
  const loop = (after.activeMs - before.activeMs) / elapsed
  const cpu = (after.cpuMs - before.cpuMs) / elapsed
  const overrun = after.overrun - before.overrun
  const came = after.received - before.received + overrun
  const losses = came > 0 ? overrun / came / OVERRUN_LIMIT : 0
  return Math.min(1, Math.max(0, loop, cpu, losses))
}

/** Measures this process since it last told, for a lease that is renewed from time to time. */
export class SaturationMeter {
  readonly #sockets: () => Pick<Reading, 'received' | 'overrun'>
  #before: Reading
  #last = 0

  constructor(sockets: () => Pick<Reading, 'received' | 'overrun'>) {
    this.#sockets = sockets
    this.#before = this.#read()
  }

  /** 0 to 1, over the time since the last call; asked again within a second it says the same. */
  read(): number {
    const after = this.#read()
    if (after.atMs - this.#before.atMs < LEAST_MS) return this.#last
    this.#last = saturation(this.#before, after)
    this.#before = after
    return this.#last
  }

  #read(): Reading {
    const { user, system } = process.cpuUsage()
    const { active } = performance.eventLoopUtilization()
    return { atMs: performance.now(), activeMs: active, cpuMs: (user + system) / 1000, ...this.#sockets() }
  }
}
