/** The whole check of a history: figures, and everything in it that must not be. It shares no code with the product. */
import type { Entry } from '../history.ts'
import { checkMessages } from './messages.ts'
import { checkPresence } from './presence.ts'
import { checkRecords } from './records.ts'
import { VIOLATIONS, type Violation, type ViolationKind } from './violation.ts'

export type Counts = { readonly [kind in ViolationKind]: number }

export interface Verdict extends Counts {
  readonly ok: boolean
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  readonly outcomes: Readonly<Record<string, number>>
  /** Nodes that were killed, and processes of nodes and peers that were stopped for a while. */
  readonly kills: number
  readonly pauses: number
  /** Faults in all, without kills and pauses. */
  readonly faults: number
  readonly rounds: number
  /** How often the view of a peer that had been there for ten seconds was examined, and how many listings and searches were. */
  readonly looks: number
  readonly reads: number
  readonly seconds: number
  /** Milliseconds for which a process of the run waited for a processor. If it is much, the machine is too busy for the run. */
  readonly starvedMs: number
  readonly violations: readonly Violation[]
}

/** Acts that change the system as an application does. They are no faults. */
const CHANGES = new Set(['member', 'object', 'restart-peer'])

export function judge(entries: readonly Entry[]): Verdict {
  const messages = checkMessages(entries)
  const presence = checkPresence(entries)
  const records = checkRecords(entries)
  const violations = [...messages.violations, ...presence.violations, ...records.violations].sort(
    (a, b) => a.at - b.at,
  )
  const acts = entries.flatMap((entry) => (entry.kind === 'fault' ? [entry.act.kind] : []))
  const kills = acts.filter((kind) => kind.startsWith('kill-')).length
  const pauses = acts.filter((kind) => kind.startsWith('pause-')).length
  const counts = Object.fromEntries(
    VIOLATIONS.map((kind) => [kind, violations.filter((each) => each.kind === kind).length]),
  ) as Counts
  return {
    ok: violations.length === 0,
    ...messages.figures,
    ...counts,
    kills,
    pauses,
    faults: acts.filter((kind) => !CHANGES.has(kind)).length - kills - pauses,
    rounds: entries.filter(({ kind }) => kind === 'quiet').length,
    looks: presence.looks,
    reads: records.reads,
    seconds: Math.round(((entries.at(-1)?.at ?? 0) - (entries[0]?.at ?? 0)) / 1000),
    starvedMs: entries.reduce((sum, entry) => (entry.kind === 'starved' ? sum + entry.ms : sum), 0),
    violations,
  }
}
