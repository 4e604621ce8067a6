/**
 * Which of two fit paths is used, and which are forgotten.
 *
 * Direct goes before relayed, unless it is much worse by measured loss or delay; then it comes back when it is clearly fine.
 * Between the two bounds everything stays as it is. Among direct ones the faster one, by enough to matter.
 */
import {
  IDLE_PROBE_MS,
  isLeaving,
  LOSES_LITTLE,
  leastRttMs,
  type Path,
  RECENT_RTTS,
  suspectAt,
} from './path.ts'

/** A direct path must be this much faster to replace another that is in use, and by this part. */
const FASTER_MS = 5
const FASTER_SHARE = 0.1
/** What the next attempt finds again would be taken for a good one: longer than attempts are apart. */
const LOSSY_KEPT_MS = 700_000
/** Of packets: then it is left for a relay that loses less than half as many. */
const LOSSY = 0.25

/** Too much is lost on it to give up what else there may be. */
export const isLossy = ({ loss }: Path): boolean => loss.atLeast > LOSSY

/** It may turn out to be lossy: time to measure a relay too. */
export const seemsLossy = ({ loss }: Path): boolean => loss.share > LOSES_LITTLE

/** A direct path that is there, if not all the time, and not used: a relay is better. */
export const rests = ({ kind, state, died, loss }: Path): boolean =>
  kind === 'direct' && (state === 'fit' || (died && loss.share > LOSES_LITTLE))

export function isBetter(path: Path, than: Path | undefined, now: number): boolean {
  if (than === undefined) return true
  if (path === than) return false
  if (path.kind !== than.kind) return path.kind === 'direct' ? isFine(path, than) : isMuchWorse(than, path)
  if (now >= suspectAt(path)) return false
  if (now >= suspectAt(than) || hasMovedTo(path, than)) return true
  if (path.kind !== 'direct') return false
  if (isLeaving(path, now) !== isLeaving(than, now)) return isLeaving(than, now)
  return isMuchWorse(than, path) || (isFaster(path, than) && !isMuchWorse(path, than))
}

export function isForgotten(path: Path, now: number): boolean {
  const { kind, state, tries, bornAt, heardAt, probedAt } = path
  if (state !== 'gone' && (kind === 'relayed' || state === 'fit' || tries > 0)) return false
  const keptMs = seemsLossy(path) ? LOSSY_KEPT_MS : 2 * IDLE_PROBE_MS
  return now - Math.max(bornAt, heardAt, probedAt) > keptMs
}

function isFaster(path: Path, than: Path): boolean {
  return path.rttMs + Math.max(FASTER_MS, FASTER_SHARE * than.rttMs) < than.rttMs
}

function isMuchWorse(path: Path, than: Path): boolean {
  if (isLossy(path) && than.loss.atMost < path.loss.atLeast / 2) return true
  const isKnown = path.recentRttMs.length === RECENT_RTTS
  return isKnown && areMeasured(path, than) && leastRttMs(path) > 2 * leastRttMs(than) + 100
}

function isFine(path: Path, than: Path): boolean {
  const losesLittle = path.loss.share < LOSES_LITTLE || path.loss.share <= than.loss.share
  return losesLittle && (!areMeasured(path, than) || leastRttMs(path) < 1.5 * leastRttMs(than) + 50)
}

const areMeasured = (path: Path, than: Path): boolean => path.rttMs > 0 && than.rttMs > 0

/** The other side was first heard here after it was last heard there. */
const hasMovedTo = (path: Path, from: Path): boolean =>
  path.bornAt > from.heardAt && path.heardAt > from.heardAt
