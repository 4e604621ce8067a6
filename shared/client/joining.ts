/** The part of `join` that is the same on every platform: its options, and the wait until the peer is online. */
import { check, checkSignal, checkText } from '../arguments.ts'
import type { OfflineReason } from '../core/peer/events.ts'
import { StraightwayError } from '../errors.ts'
import type { Metadata } from '../presence.ts'
import { formatAddress } from '../wire/address.ts'
import type { OwnStatus } from '../wire/presence.ts'
import type { Account } from './account.ts'
import type { Home } from './home.ts'
import type { PeerState } from './peer-events.ts'

const ONLINE_MS = 30_000

/** Options of `join` on every platform. */
export interface JoiningOptions {
  /** Base URL of INDEX. Not needed if `home` was enrolled before, as it keeps the URL. */
  readonly index?: string
  /** Code of an invite, which enrols the peer in a network. Needed only the first time. */
  readonly invite?: string
  /** ID token of the team's own identity provider (OIDC). The peer becomes one of that user's peers. */
  readonly idToken?: string
  /**
   * Seed of the identity, for use without `home`: 32 secret bytes that the application keeps. The same seed always
   * gives the same peer.
   */
  readonly identity?: Uint8Array
  /** Name of the peer, and of its user if enrolment creates one. */
  readonly name?: string
  /** Status that other peers see at first; `invisible` is shown as offline. Default: `online`. */
  readonly status?: OwnStatus
  /** Custom status text of at most LIMITS.customStatusBytes. Default: empty. */
  readonly custom?: string
  /** Live metadata that other peers see and search by: flat JSON of at most LIMITS.metadataBytes. Default: empty. */
  readonly metadata?: Metadata
  /** Aborts joining; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
}

/** Checks the options. Throws `bad-request`. */
export function checkJoiningOptions(options: JoiningOptions): void {
  const { index, invite, idToken, identity, name, signal } = options
  for (const [key, text] of Object.entries({ index, invite, idToken, name }))
    if (text !== undefined) checkText(text, key)
  const isIdentity = identity === undefined || (identity instanceof Uint8Array && identity.length === 32)
  check(isIdentity, 'identity', 'a Uint8Array of 32 bytes', identity)
  checkSignal(signal)
}

export function indexOf({ index }: JoiningOptions, home: Home): string {
  const known = index ?? home.enrolled?.index
  if (known === undefined) throw new StraightwayError('bad-request', 'Give `index`: the address of INDEX.')
  return known
}

export const stoppedBy = (signal: AbortSignal): StraightwayError =>
  new StraightwayError('closed', 'Joining was stopped.', { cause: signal.reason })

type StateListener = (state: PeerState, why: OfflineReason | undefined) => void

/** A peer that has just been made. */
interface Beginner {
  readonly state: PeerState
  on(event: 'state', listener: StateListener): unknown
  off(event: 'state', listener: StateListener): unknown
  close(): Promise<void>
}

/** Resolves with the peer when it is online. Otherwise closes it and rejects with `unavailable`, `conflict`, `forbidden` or `closed`. */
export async function whenOnline<P extends Beginner>(
  peer: P,
  account: Account,
  signal: AbortSignal | undefined,
  { udp = true } = {},
): Promise<P> {
  const timeout = AbortSignal.timeout(ONLINE_MS)
  try {
    await untilOnline(peer, signal === undefined ? timeout : AbortSignal.any([signal, timeout]))
    return peer
  } catch (error) {
    await peer.close()
    if (signal?.aborted) throw stoppedBy(signal)
    throw timeout.aborted ? unanswered(account, udp) : error
  }
}

function untilOnline(peer: Beginner, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      peer.off('state', heard)
      signal.removeEventListener('abort', late)
      settled()
    }
    const heard: StateListener = (state, why) => {
      const refusal = why === undefined ? undefined : refusalOf(why)
      if (state === 'online') settle(resolve)
      else if (refusal !== undefined) settle(() => reject(refusal))
    }
    const late = () => settle(() => reject(signal.reason))
    peer.on('state', heard)
    signal.addEventListener('abort', late)
    if (signal.aborted) late()
    else if (peer.state === 'online') settle(resolve)
  })
}

function refusalOf(why: OfflineReason): StraightwayError | undefined {
  if (why === 'replaced')
    return new StraightwayError(
      'conflict',
      'Another process is online as this peer: give this one a home of its own.',
    )
  if (why === 'revoked')
    return new StraightwayError(
      'forbidden',
      'This peer has been revoked: ask for a new invite, with a new home.',
    )
  return undefined
}

function unanswered({ websocket, checkpoints }: Account, udp: boolean): StraightwayError {
  if (!udp) {
    const at = websocket === undefined ? 'The system has none' : `None answers at ${websocket}`
    return new StraightwayError('unavailable', `A browser needs the gateway. ${at}.`)
  }
  const tried = checkpoints.flatMap(({ addresses }) => addresses.map(({ words }) => formatAddress(words)))
  const gateway = websocket === undefined ? '' : `, nor through the gateway (${websocket})`
  const detail = `No CHECKPOINT answers over UDP (${tried.join(', ')})${gateway}. A firewall may drop both here, or the nodes are down.`
  return new StraightwayError('unavailable', `${detail} \`straightway doctor\` says which.`)
}
