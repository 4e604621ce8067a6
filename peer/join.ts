import { check, checkFlag, checkPath, taken } from '../shared/arguments.ts'
import { Account } from '../shared/client/account.ts'
import {
  checkJoiningOptions,
  indexOf,
  type JoiningOptions,
  stoppedBy,
  whenOnline,
} from '../shared/client/joining.ts'
import { checkedPresence } from '../shared/client/own-presence.ts'
import { stoppable } from '../shared/client/pending.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import { homeInMemory, openHome } from './home/home.ts'
import { fetchByEnvironment } from './net/proxy.ts'
import { Peer } from './peer.ts'

/** Options of `join`. */
export interface JoinOptions extends JoiningOptions {
  /** Directory that keeps the identity between runs. Only one process may use it at a time. Default: in memory. */
  readonly home?: string
  /**
   * True if tunnels may scatter: to get through a NAT with random ports they send hundreds of packets within seconds.
   * Some networks take that for an attack. Default: true.
   */
  readonly scatter?: boolean
  /**
   * False to never use UDP: everything then travels over TLS on TCP, and no tunnel is direct. There is no need for this
   * in a network that drops UDP, because the SDK detects it. Default: true.
   */
  readonly udp?: boolean
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
  if (signal?.aborted) throw stoppedBy(signal)
  const home = options.home === undefined ? homeInMemory(options.identity) : openHome(options.home)
  let account: Account | undefined
  const stop = () => account?.close()
  signal?.addEventListener('abort', stop)
  try {
    const identity = identityOf(home.seed)
    account = new Account(indexOf(options, home), identity, home, fetchByEnvironment)
    await stoppable(account.signUp(options), signal)
    return await whenOnline(new Peer({ identity, home, account, presence, scatter, udp }), account, signal)
  } catch (error) {
    account?.close()
    home.close()
    throw signal?.aborted ? stoppedBy(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function checkJoinOptions(options: JoinOptions): void {
  const { home, scatter, udp } = options
  checkJoiningOptions(options)
  if (home !== undefined) checkPath(home, 'home')
  checkFlag(scatter, 'scatter')
  checkFlag(udp, 'udp')
}
