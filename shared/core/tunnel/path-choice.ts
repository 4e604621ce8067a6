/** Which of two fit paths is used, and which are forgotten. */
import { IDLE_PROBE_MS, type Path, suspectAt } from './path.ts'

/** A direct path must be this much faster to replace another that is in use. */
const FASTER_MS = 5

/** Direct before relayed; of one kind, one that answers, that the other side moved to, or that is faster. */
export function isBetter(path: Path, than: Path | undefined, now: number): boolean {
  if (than === undefined) return true
  if (path === than) return false
  if (path.kind !== than.kind) return path.kind === 'direct'
  if (now >= suspectAt(path)) return false
  if (now >= suspectAt(than) || hasMovedTo(path, than)) return true
  return path.kind === 'direct' && path.rttMs + FASTER_MS < than.rttMs
}

export function isForgotten({ kind, state, tries, bornAt, heardAt, probedAt }: Path, now: number): boolean {
  if (kind === 'relayed' || state === 'fit' || tries > 0) return false
  return now - Math.max(bornAt, heardAt, probedAt) > 2 * IDLE_PROBE_MS
}

/** The other side was first heard here after it was last heard there. */
const hasMovedTo = (path: Path, from: Path): boolean =>
  path.bornAt > from.heardAt && path.heardAt > from.heardAt
