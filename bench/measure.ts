import { cpuSeconds } from './cpu.ts'

/** A source of load. It sends requests, counts responses, and sends another request for each response. */
export interface Asker {
  readonly answers: number
  ask(count: number): void
}

export interface Course {
  /** Number of requests that each asker keeps in flight. */
  readonly window: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** Process id of the server. */
  readonly pid: number
}

export interface Measured {
  readonly answers: number
  readonly elapsedMs: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
}

/** Timeout after which a window without a response is considered lost, and is sent again. */
const LOST_MS = 200

export async function measure(askers: readonly Asker[], course: Course): Promise<Measured> {
  for (const asker of askers) keepAsking(asker, course.window)
  await pause(course.warmUpMs)
  const before = reading(askers, course.pid)
  await pause(course.measureMs)
  const after = reading(askers, course.pid)
  return {
    answers: after.answers - before.answers,
    elapsedMs: after.at - before.at,
    serverCpuSeconds: after.server - before.server,
    loadCpuSeconds: after.load - before.load,
  }
}

function keepAsking(asker: Asker, window: number): void {
  let before = -1
  const refill = () => {
    if (asker.answers === before) asker.ask(window)
    before = asker.answers
  }
  asker.ask(window)
  setInterval(refill, LOST_MS).unref()
}

const reading = (askers: readonly Asker[], pid: number) => ({
  answers: askers.reduce((sum, { answers }) => sum + answers, 0),
  at: performance.now(),
  server: cpuSeconds(pid),
  load: cpuSeconds(process.pid),
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
