/** Combined results of many runs. Times in milliseconds. */
import { SCENARIOS, type ScenarioName } from './scenarios.ts'

export interface TunnelOutcome {
  readonly between: string
  readonly path: string
  readonly whyNotDirect?: string
  readonly firstByteMs?: number
  readonly directMs?: number
}

export interface RunOutcome {
  readonly scenario: ScenarioName
  readonly seed: number
  readonly violations: readonly string[]
  readonly tunnels: readonly TunnelOutcome[]
  readonly messages: { readonly sent: number; readonly delivered: number }
  readonly hash: string
}

export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
}

export interface Summary {
  readonly runs: number
  /** Share of the runs without violations, 0 to 1. */
  readonly success: number
  readonly tunnels: number
  /** Share of the tunnels that were relayed at the end, 0 to 1; null without tunnels. */
  readonly relayShare: number | null
  /** Number of relayed tunnels by reason. */
  readonly whyNotDirect: Readonly<Record<string, number>>
  readonly firstByteMs: Percentiles
  readonly directMs: Percentiles
  readonly messages: { readonly sent: number; readonly delivered: number }
  /** Hash of all traces. */
  readonly hash: string
}

/** Plays one run. `tell` receives a line for everything that happens in it. */
export function runOnce(scenario: ScenarioName, seed: number, tell?: (line: string) => void): RunOutcome {
  const { system, tunnels } = SCENARIOS[scenario](seed, tell)
  return {
    scenario,
    seed,
    violations: system.conclude(),
    tunnels: tunnels.map(({ between, end }) => ({ between, ...end.machine.status })),
    messages: system.model.messages,
    hash: system.world.trace.hash,
  }
}

export function summarise(outcomes: readonly RunOutcome[]): Summary {
  const tunnels = outcomes.flatMap((outcome) => outcome.tunnels)
  const relayed = tunnels.filter(({ path }) => path !== 'direct')
  const sum = (of: 'sent' | 'delivered') => outcomes.reduce((total, { messages }) => total + messages[of], 0)
  return {
    runs: outcomes.length,
    success: outcomes.filter(({ violations }) => violations.length === 0).length / outcomes.length,
    tunnels: tunnels.length,
    relayShare: tunnels.length === 0 ? null : relayed.length / tunnels.length,
    whyNotDirect: counted(relayed.map(({ whyNotDirect }) => whyNotDirect ?? 'none')),
    firstByteMs: percentiles(tunnels.map(({ firstByteMs }) => firstByteMs)),
    directMs: percentiles(tunnels.map(({ directMs }) => directMs)),
    messages: { sent: sum('sent'), delivered: sum('delivered') },
    hash: combined(outcomes.map(({ hash }) => hash)),
  }
}

/** Describes a run with violations, and how to repeat it. */
export function complaint({ scenario, seed, violations }: RunOutcome): string {
  const list = violations.slice(0, 10).map((violation) => `  ${violation}\n`)
  const repeat = `npm run sim -- --seed ${seed} --runs 1 --scenario ${scenario}`
  return `\nseed ${seed} (${scenario}) failed:\n${list.join('')}  repeat with: ${repeat}`
}

export function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

export function percentiles(values: readonly (number | undefined)[]): Percentiles {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]
  return { p50: at(0.5) ?? null, p95: at(0.95) ?? null }
}

export function combined(hashes: readonly string[]): string {
  let all = 0n
  for (const hash of hashes) all = BigInt.asUintN(64, all * 31n + BigInt(`0x${hash}`))
  return all.toString(16).padStart(16, '0')
}
