/**
 * Measures how near this process is to its limits. Counting peers is not enough: a node with few peers may still be
 * overloaded by large packets, by a flood, or by another process that uses its CPU.
 */
import { performance } from 'node:perf_hooks'

/** A reading of the process. Counts start at 0 when the process starts. */
export interface Reading {
  /** Milliseconds of any clock that does not jump. */
  readonly atMs: number
  /** Time in which the event loop was busy, or waited for a CPU core. */
  readonly activeMs: number
  /** CPU time of all threads, user and kernel. */
  readonly cpuMs: number
  /** Datagrams that the sockets received. */
  readonly received: number
  /** Datagrams that the kernel dropped because receive buffers were full. */
  readonly overrun: number
}

/** Share of datagrams lost before they were read that counts as full saturation. */
const OVERRUN_LIMIT = 0.01
/** Shortest time between two readings that are compared. Shorter times give no useful result. */
const LEAST_MS = 1000

/** Saturation between two readings, 0 to 1: the maximum of event loop utilisation, CPU of one core, and socket losses. */
export function saturation(before: Reading, after: Reading): number {
  const elapsed = Math.max(1, after.atMs - before.atMs)
  const loop = (after.activeMs - before.activeMs) / elapsed
  const cpu = (after.cpuMs - before.cpuMs) / elapsed
  const overrun = after.overrun - before.overrun
  const came = after.received - before.received + overrun
  const losses = came > 0 ? overrun / came / OVERRUN_LIMIT : 0
  return Math.min(1, Math.max(0, loop, cpu, losses))
}

/** Measures this process between calls of `read`, which each renewal of the lease makes. */
export class SaturationMeter {
  readonly #sockets: () => Pick<Reading, 'received' | 'overrun'>
  #before: Reading
  #last = 0

  constructor(sockets: () => Pick<Reading, 'received' | 'overrun'>) {
    this.#sockets = sockets
    this.#before = this.#read()
  }

  /** Saturation since the last call, 0 to 1. A call within a second of the last one returns the same value. */
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
