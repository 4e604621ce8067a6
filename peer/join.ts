import { once } from 'node:events'
import { check, checkFlag, checkPath, checkSignal, checkText, taken } from '../shared/arguments.ts'
import { Account } from '../shared/client/account.ts'
import type { Home } from '../shared/client/home.ts'
import { checkedPresence } from '../shared/client/own-presence.ts'
import { stoppable } from '../shared/client/pending.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { Metadata } from '../shared/presence.ts'
import { formatAddress } from '../shared/wire/address.ts'
import type { OwnStatus } from '../shared/wire/presence.ts'
import { homeInMemory, openHome } from './home/home.ts'
import { fetchByEnvironment } from './net/proxy.ts'
import { Peer } from './peer.ts'

const ONLINE_MS = 30_000

/** Options of `join`. */
export interface JoinOptions {
  /** Base URL of INDEX. Not needed if `home` was enrolled before, as it keeps the URL. */
  readonly index?: string
  /** Code of an invite, which enrols the peer in a network. Needed only the first time. */
  readonly invite?: string
  /** ID token of the team's own identity provider (OIDC). The peer becomes one of that user's peers. */
  readonly idToken?: string
  /** Directory that keeps the identity between runs. Only one process may use it at a time. Default: in memory. */
  readonly home?: string
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
  /**
   * Whether tunnels may scatter: to get through a NAT with random ports they send hundreds of packets within seconds.
   * Some networks take that for an attack. Default: true.
   */
  readonly scatter?: boolean
  /**
   * False to never use UDP: everything then travels over TLS on TCP, and no tunnel is direct. There is no need for this
   * in a network that drops UDP, because the SDK detects it. Default: true.
   */
  readonly udp?: boolean
  /** Aborts joining; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
}

/**
 * Brings a peer online. It enrols the peer if necessary, gets a ticket from INDEX and signs in at a CHECKPOINT. The
 * peer then stays online by itself until it is closed. Rejects with:
 *
 * - `bad-request`, `too-large`: an invalid option
 * - `unknown-peer`: the peer is not enrolled, and there is no invite
 * - `gone`, `not-found`: the invite is no longer valid, or does not exist
 * - `forbidden`: the peer was revoked
 * - `conflict`: another process uses this home or identity
 * - `unavailable`: INDEX does not answer; or no node answers for 30 s, over UDP or through the gateway
 * - `closed`: `signal` aborted
 *
 * INDEX gets 10 s for each of two or three requests.
 */
export async function join(given: JoinOptions): Promise<Peer> {
  check(typeof given === 'object' && given !== null, 'options', 'an object', given)
  const options = taken(given)
  checkJoinOptions(options)
  const { status = 'online', custom = '', metadata = {}, scatter = true, udp = true, signal } = options
  const presence = checkedPresence({ status, custom, metadata })
  if (signal?.aborted) throw stopped(signal)
  const home = options.home === undefined ? homeInMemory(options.identity) : openHome(options.home)
  let account: Account | undefined
  const stop = () => account?.close()
  signal?.addEventListener('abort', stop)
  try {
    const identity = identityOf(home.seed)
    account = new Account(indexOf(options, home), identity, home, fetchByEnvironment)
    await stoppable(account.signUp(options), signal)
    return await online(new Peer({ identity, home, account, presence, scatter, udp }), account, signal)
  } catch (error) {
    account?.close()
    home.close()
    throw signal?.aborted ? stopped(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function checkJoinOptions(options: JoinOptions): void {
  const { index, invite, idToken, home, identity, name, scatter, udp, signal } = options
  for (const [key, text] of Object.entries({ index, invite, idToken, name }))
    if (text !== undefined) checkText(text, key)
  if (home !== undefined) checkPath(home, 'home')
  const isIdentity = identity === undefined || (identity instanceof Uint8Array && identity.length === 32)
  check(isIdentity, 'identity', 'a Uint8Array of 32 bytes', identity)
  checkFlag(scatter, 'scatter')
  checkFlag(udp, 'udp')
  checkSignal(signal)
}

const stopped = (signal: AbortSignal): StraightwayError =>
  new StraightwayError('closed', 'Joining was stopped.', { cause: signal.reason })

function indexOf({ index }: JoinOptions, home: Home): string {
  const known = index ?? home.enrolled?.index
  if (known === undefined) throw new StraightwayError('bad-request', 'Give `index`: the address of INDEX.')
  return known
}

async function online(peer: Peer, account: Account, signal: AbortSignal | undefined): Promise<Peer> {
  const timeout = AbortSignal.timeout(ONLINE_MS)
  try {
    await untilOnline(peer, signal === undefined ? timeout : AbortSignal.any([signal, timeout]))
    return peer
  } catch (error) {
    await peer.close()
    if (timeout.aborted) throw unanswered(account)
    if (signal?.aborted) throw new StraightwayError('closed', 'Joining was stopped.', { cause: error })
    throw error
  }
}

async function untilOnline(peer: Peer, signal: AbortSignal): Promise<void> {
  while (peer.state !== 'online') {
    const [state, why] = await once(peer, 'state', { signal })
    if (state === 'offline' && why === 'replaced')
      throw new StraightwayError(
        'conflict',
        'Another process is online as this peer: give this one a home of its own.',
      )
    if (state === 'offline' && why === 'revoked')
      throw new StraightwayError(
        'forbidden',
        'This peer has been revoked: ask for a new invite, with a new home.',
      )
  }
}

function unanswered(account: Account): StraightwayError {
  const tried = account.checkpoints.flatMap(({ addresses }) =>
    addresses.map(({ words }) => formatAddress(words)),
  )
  const gateway = account.websocket === undefined ? '' : `, nor through the gateway (${account.websocket})`
  const detail = `No CHECKPOINT answers over UDP (${tried.join(', ')})${gateway}. A firewall may drop both here, or the nodes are down.`
  return new StraightwayError('unavailable', `${detail} \`straightway doctor\` says which.`)
}
