/** The conductor's side of one process of peers. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signal } from '../stage/stage.ts'
import type { Order, Report } from './messages.ts'

const PROCESS = join(import.meta.dirname, 'process.ts')
/** Node's default folder for its compile cache, which halves the start-up time of a process. */
const COMPILED = join(tmpdir(), 'node-compile-cache')
const END_MS = 15_000

type ReportOf<Kind extends Report['kind']> = Extract<Report, { kind: Kind }>

export class Group {
  counts: ReportOf<'count'> = { kind: 'count', sent: 0, pending: 0, received: 0, away: 0 }
  /** Errors inside the process, which are faults of the torture or of the SDK. */
  readonly failures: string[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Set<(report: Report) => void>()

  constructor() {
    this.#child = fork(PROCESS, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    })
    let said = ''
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-2_000)
    })
    this.#child.on('message', (report: Report) => this.#heard(report))
    this.#child.on('exit', (code) => {
      if (code !== 0) this.failures.push(`a process of peers ended with code ${code}: ${said}`)
    })
  }

  order(order: Order): void {
    if (this.#child.connected) this.#child.send(order)
  }

  /** Resolves with the first report that `isIt` accepts. Rejects if none comes in time. */
  async report<Kind extends Report['kind']>(
    kind: Kind,
    withinMs: number,
    isIt: (report: ReportOf<Kind>) => boolean = () => true,
  ): Promise<ReportOf<Kind>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReportOf<Kind>>()
    const hear = (report: Report) => {
      if (report.kind === kind && isIt(report as ReportOf<Kind>)) resolve(report as ReportOf<Kind>)
    }
    const late = () =>
      reject(new Error(`peers did not report ${kind} in ${withinMs} ms: ${this.failures.join('; ')}`))
    const timer = setTimeout(late, withinMs)
    this.#waiting.add(hear)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(hear)
    })
  }

  pause(): void {
    signal(this.#child.pid!, 'SIGSTOP')
  }

  resume(): void {
    signal(this.#child.pid!, 'SIGCONT')
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.order({ kind: 'end' })
    const kill = setTimeout(() => signal(this.#child.pid!, 'SIGKILL'), END_MS)
    await ended
    clearTimeout(kill)
  }

  #heard(report: Report): void {
    if (report.kind === 'count') this.counts = report
    if (report.kind === 'failed') this.failures.push(report.detail)
    for (const each of this.#waiting) each(report)
  }
}
