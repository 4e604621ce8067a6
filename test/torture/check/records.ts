/**
 * Checks that listings, searches and peers agree with what was written. Each key has one writer, which writes one value at a
 * time. A reading shows the last value that was acknowledged ten seconds before, or a later one.
 */
import type { Entry, EntryOf } from '../history.ts'
import { CONVERGED_MS } from './presence.ts'
import { Ran } from './ran.ts'
import type { Violation, ViolationKind } from './violation.ts'

interface Write {
  readonly value: string
  wroteAt: number
}

export function checkRecords(entries: readonly Entry[]): { reads: number; violations: Violation[] } {
  const writes = new Map<string, Write[]>()
  const userOf = new Map<string, string>()
  const joinedAt = new Map<string, number>()
  const violations: Violation[] = []
  const ran = new Ran(entries)
  let reads = 0
  for (const entry of entries) {
    if (entry.kind === 'writes')
      listOf(writes, entry.key).push({ value: entry.value, wroteAt: Number.POSITIVE_INFINITY })
    else if (entry.kind === 'wrote') {
      const last = writes.get(entry.key)?.at(-1)
      if (last?.value === entry.value) last.wroteAt = entry.at
    } else if (entry.kind === 'read') {
      reads++
      violations.push(...wrongReads(entry, writes, ran))
    } else if (entry.kind === 'joined') {
      userOf.set(entry.peer, entry.user)
      joinedAt.set(entry.peer, entry.at)
    } else if (entry.kind === 'sees') {
      if (ran.between(joinedAt.get(entry.peer) ?? entry.at, entry.at) >= CONVERGED_MS)
        violations.push(...wrongNetworks(entry, userOf.get(entry.peer) ?? '', writes, ran))
    }
  }
  return { reads, violations }
}

/** The values that a reading may show. */
function possible(writes: readonly Write[], at: number, ran: Ran): Set<string> {
  const settled = writes.findLastIndex(
    ({ wroteAt }) => wroteAt <= at && ran.between(wroteAt, at) >= CONVERGED_MS,
  )
  const later = writes.slice(Math.max(0, settled)).map(({ value }) => value)
  return new Set(settled < 0 ? ['', ...later] : later)
}

function wrongReads(
  { at, prefix, values }: EntryOf<'read'>,
  all: ReadonlyMap<string, Write[]>,
  ran: Ran,
): Violation[] {
  const kind: ViolationKind = prefix.startsWith('member') ? 'membershipsWrong' : 'indexWrong'
  const keys = new Set([...all.keys(), ...Object.keys(values)].filter((key) => key.startsWith(prefix)))
  return [...keys].flatMap((key) => {
    const may = possible(all.get(key) ?? [], at, ran)
    const value = values[key] ?? ''
    if (may.has(value)) return []
    return [{ kind, at, what: `a reading of ${key} shows '${value}'; written was ${quoted(may)}` }]
  })
}

/** Members are keys `member/NETWORK/USER` with the value `yes`, or none. */
function wrongNetworks(
  { at, peer, networks }: EntryOf<'sees'>,
  user: string,
  all: ReadonlyMap<string, Write[]>,
  ran: Ran,
): Violation[] {
  return [...all].flatMap(([key, writes]) => {
    const [what, network = '', member] = key.split('/')
    if (what !== 'member' || member !== user) return []
    const value = networks.includes(network) ? 'yes' : ''
    const may = possible(writes, at, ran)
    if (may.has(value)) return []
    const told = `${peer} of ${user} ${value === 'yes' ? 'believes to be' : 'does not know that it is'} in ${network}`
    return [{ kind: 'membershipsWrong', at, what: `${told}; written was ${quoted(may)}` }]
  })
}

const quoted = (values: ReadonlySet<string>): string => [...values].map((value) => `'${value}'`).join(' or ')

function listOf(writes: Map<string, Write[]>, key: string): Write[] {
  const list = writes.get(key) ?? []
  writes.set(key, list)
  return list
}
