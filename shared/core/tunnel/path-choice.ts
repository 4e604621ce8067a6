/**
 * Chooses between two fit paths, and says which paths are forgotten.
 *
 * A direct path is preferred to a relayed one unless its measured loss or delay is much worse; it is used again once it
 * is clearly fine. Between the two thresholds nothing changes. Among direct paths the one that is notably faster wins.
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

/** A direct path replaces another one in use only if it is faster by this time, and by this share. */
const FASTER_MS = 5
const FASTER_SHARE = 0.1
/**
 * A lossy path is remembered for longer than the time between two attempts. A new path at the same address would count
 * as a good one.
 */
const LOSSY_KEPT_MS = 700_000
/** Share of packets lost above which a direct path is left for a relay that loses less than half as many. */
const LOSSY = 0.25

/** True if so much is lost on the path that the alternatives must be kept. */
export const isLossy = ({ loss }: Path): boolean => loss.atLeast > LOSSY

/** True if the path may turn out to be lossy, so that a relay should be measured too. */
export const seemsLossy = ({ loss }: Path): boolean => loss.share > LOSES_LITTLE

/** True for a direct path that works, at least at times. If such a path is not in use, a relay is better. */
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

/** True if the other side was first heard on `path` after it was last heard on `from`. */
const hasMovedTo = (path: Path, from: Path): boolean =>
  path.bornAt > from.heardAt && path.heardAt > from.heardAt
