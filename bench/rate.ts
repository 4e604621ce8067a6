import type { Measured } from './measure.ts'

export interface Rate {
  /** As many as came, with the load's own process as the likely limit. */
  readonly answersPerSecond: number
  /** For each second of CPU time the server's process used: what one core of it could answer. */
  readonly perCpuSecond: number
  /** Share of a core that the server used, and that the load used: near 1 means that one was the limit. */
  readonly serverCpu: number
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
