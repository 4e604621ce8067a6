import { once } from 'node:events'
import { identityOf } from '../shared/crypto/identity.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { Metadata } from '../shared/presence.ts'
import { formatAddress } from '../shared/wire/address.ts'
import type { OwnStatus } from '../shared/wire/presence.ts'
import { Account } from './account.ts'
import { check, checkFlag, checkPath, checkSignal, checkText, taken } from './arguments.ts'
import { type Home, homeInMemory, openHome } from './home/home.ts'
import { checkedPresence } from './own-presence.ts'
import { Peer } from './peer.ts'
import { stoppable } from './pending.ts'

const ONLINE_MS = 30_000

/** Who joins, where, and how it is seen. */
export interface JoinOptions {
  /** Base URL of INDEX. Not needed where `home` knows it. */
  readonly index?: string
  /** Code of an invite: brings the peer into a network the first time, and is not used again. */
  readonly invite?: string
  /** Of the team's own identity provider (OIDC): the peer becomes one of that user's. */
  readonly idToken?: string
  /** Directory that keeps the identity between runs, and lets one process have it. In memory without. */
  readonly home?: string
  /** Where there is no `home`: 32 secret bytes that the application keeps. The same seed is always the same peer. */
  readonly identity?: Uint8Array
  /** Of the peer, and of its user where one is made. */
  readonly name?: string
  readonly status?: OwnStatus
  /** At most LIMITS.customStatusBytes. */
  readonly custom?: string
  /** Live and searchable: flat JSON, at most LIMITS.metadataBytes. */
  readonly metadata?: Metadata
  /**
   * Whether its tunnels may scatter: reach a NAT with random ports by hundreds of packets within seconds, which some
   * networks take for an attack. Default true.
   */
  readonly scatter?: boolean
  /**
   * False: UDP is never used, all goes over TLS on TCP and no tunnel is direct. Not needed where a network drops UDP, as that
   * is found out. Default true.
   */
  readonly udp?: boolean
  readonly signal?: AbortSignal
}

/**
 * Brings a peer online: enrols it the first time, gets its ticket, signs it in at a CHECKPOINT. From then on it stays
 * online by itself until it is closed.
 *
 * Rejects with `bad-request` and `too-large` (options), `unknown-peer` (not enrolled, and no invite), `gone` or `not-found` (the invite),
 * `forbidden` (revoked), `conflict` (another process has this home or identity), `unavailable` (INDEX does not answer, or
 * no node does for 30 s, neither over UDP nor through the gateway) and `closed` (`signal`). INDEX is given 10 s for each of
 * two or three requests.
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
    account = new Account(indexOf(options, home), identity, home)
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
