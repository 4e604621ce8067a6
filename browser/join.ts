import { check, checkText, taken } from '../shared/arguments.ts'
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
import { homeInMemory, openHome } from './home.ts'
import { Peer } from './peer.ts'

/** Options of `join`. */
export interface JoinOptions extends JoiningOptions {
  /**
   * Name of a home, which keeps the identity between visits in IndexedDB at the page's origin. Only one page of a browser
   * may use it at a time. Default: in memory.
   */
  readonly home?: string
}

/**
 * Brings a peer online. It enrols the peer if necessary, gets a ticket from INDEX and signs in at a CHECKPOINT through
 * the gateway. The peer then stays online by itself until it is closed or the page ends. Rejects with:
 *
 * - `bad-request`, `too-large`: an invalid option
 * - `unknown-peer`: the peer is not enrolled, and there is no invite
 * - `gone`, `not-found`: the invite is no longer valid, or does not exist
 * - `forbidden`: the peer was revoked
 * - `conflict`: another tab uses this home or identity
 * - `unavailable`: INDEX does not answer, or no node answers through the gateway for 30 s
 * - `closed`: `signal` aborted
 */
export async function join(given: JoinOptions): Promise<Peer> {
  check(typeof given === 'object' && given !== null, 'options', 'an object', given)
  const options = taken(given)
  checkJoiningOptions(options)
  if (options.home !== undefined) checkText(options.home, 'home')
  const { status = 'online', custom = '', metadata = {}, signal } = options
  const presence = checkedPresence({ status, custom, metadata })
  if (signal?.aborted) throw stoppedBy(signal)
  const home = options.home === undefined ? homeInMemory(options.identity) : await openHome(options.home)
  let account: Account | undefined
  const stop = () => account?.close()
  signal?.addEventListener('abort', stop)
  try {
    const identity = identityOf(home.seed)
    account = new Account(indexOf(options, home), identity, home)
    await stoppable(account.signUp(options), signal)
    const peer = new Peer({ identity, home, account, presence })
    return await whenOnline(peer, account, signal, { udp: false })
  } catch (error) {
    account?.close()
    home.close()
    throw signal?.aborted ? stoppedBy(signal) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
