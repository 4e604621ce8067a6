import type { Measured } from './measure.ts'

export interface Rate {
  /** Responses per second of elapsed time. Often limited by the process of the load. */
  readonly answersPerSecond: number
  /** Responses per second of the server's CPU time: the most that one core could answer. */
  readonly perCpuSecond: number
  /** Share of a core that the server used. Near 1, it was the limit. */
  readonly serverCpu: number
  /** Share of a core that the load used. Near 1, it was the limit. */
  readonly loadCpu: number
}

export function rateOf(rounds: readonly Measured[]): Rate {
  const sum = (of: (round: Measured) => number) => rounds.reduce((total, round) => total + of(round), 0)
  const answers = sum((round) => round.answers)
  const seconds = sum((round) => round.elapsedMs) / 1000
  const cpu = sum((round) => round.serverCpuSeconds)
  return {
    answersPerSecond: Math.round(answers / seconds),
    perCpuSecond: Math.round(answers / cpu),
    serverCpu: cpu / seconds,
    loadCpu: sum((round) => round.loadCpuSeconds) / seconds,
  }
}
