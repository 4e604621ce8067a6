/**
 * When a tunnel goes to the HANDSHAKE (again):
 *
 *   without any path          immediately, then every RETRY_MS
 *   a direct path died        immediately; the relay carries the data meanwhile
 *   the relay is draining     immediately
 *   relayed                   every minute at first, less often with each failure (`patience.ts`). Both sides count from
 *                             the same OUTCOME, so they meet without being directed
 *   a router mapped a port    immediately, if that came after the attempt
 *   direct, but silent        immediately, if there is no relay: it is needed if the path is dead
 *   direct, but lossy         every LOSSY_MS, while there is no relay to compare with
 *   direct                    never
 *
 * Attempts are at least RETRY_MS apart, unless a port was mapped, the network changed, or the CHECKPOINT directs both
 * sides to a HANDSHAKE. `Attempt` and `Settled` know when the last one began and when the next one is due.
 */
import type { Paths } from '../../paths.ts'
import type { Choice } from './choice.ts'
import type { RelayPaths } from './relay-paths.ts'

/** An attempt that has brought no path after this time is replaced by another. */
export const RETRY_MS = 10_000
/** Interval at which a relay is compared with a lossy direct path; a relay that is no better is released. */
const LOSSY_MS = 300_000
const never = Number.POSITIVE_INFINITY

/** The state of the paths that decides about attempts. */
export interface Situation {
  readonly path: 'direct' | 'relayed' | undefined
  /** A direct path died and no other one has replaced it. */
  readonly directDied: boolean
  readonly relayDraining: boolean
  /** The path in use is direct and has not answered for some time, and there is no relay. */
  readonly silent: boolean
  /** The path in use is direct and loses much, and there is no relay. */
  readonly lossy: boolean
}

export function situationOf(
  { active, directDied, silent, lossy }: Pick<Choice, 'active' | 'directDied' | 'silent' | 'lossy'>,
  relays: Pick<RelayPaths, 'alive' | 'draining'>,
  paths: Paths,
): Situation {
  const isBare = active?.kind === 'direct' && !relays.alive && paths === 'auto'
  return {
    path: active?.kind,
    directDied,
    relayDraining: relays.draining,
    silent: isBare && silent,
    lossy: isBare && lossy,
  }
}

/** True if only a CHECKPOINT can lead the other side to the HANDSHAKE too: it does not know of this side's need. */
export const isUrgent = ({ path, directDied, relayDraining, silent, lossy }: Situation): boolean =>
  path === undefined || directDied || relayDraining || silent || lossy

/**
 * When the next attempt is due, whether or not the last one goes on. `beganAt`: when that began; `relayedAt`: when the
 * next one is due on a relay.
 */
export function nextAt({ path, silent, lossy }: Situation, beganAt: number, relayedAt: number): number {
  if (silent || path === undefined) return beganAt + RETRY_MS
  if (path === 'direct') return lossy ? beganAt + LOSSY_MS : never
  return relayedAt
}
