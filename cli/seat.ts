/**
 * The peer of a home, as a verb uses it. It is the peer of the process that is `up`, if there is one. Otherwise it is
 * the verb's own peer, which is online while the verb runs. Both have the same API.
 */
import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AcceptOptions, ConnectOptions, JoinOptions, Offer, Peer, PeerEvents } from '../peer/index.ts'
import type { Tunnel } from '../serve/tunnel.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import { readDoor } from './daemon/door.ts'
import { stopped } from './life.ts'
import { type CommonFlags, indexOf } from './options.ts'
import { note } from './output.ts'

/** Two verbs of one home run in sequence. The second one waits this long for the first, which may be on a slow network. */
const TURN_MS = 20_000
const LOOK_MS = 100

/** An offer of a tunnel, to this process or to the one that is `up`. */
export interface Asked extends Pick<Offer, 'from' | 'user' | 'intent'> {
  accept(options?: AcceptOptions): Promise<Tunnel>
  refuse(reason?: string): void
}

export interface Seat
  extends Pick<Peer, 'peer' | 'user' | 'networks' | 'index' | 'find' | 'send' | 'status' | 'close'> {
  /** True if the peer belongs to the process that is `up`. */
  readonly isShared: boolean
  readonly events: EventEmitter<PeerEvents>
  connect(to: PeerId, options: Pick<ConnectOptions, 'intent' | 'paths' | 'signal'>): Promise<Tunnel>
  /** Receives offers with one of these intents until the seat is closed. */
  serve(intents: readonly string[], decide: (offer: Asked) => void): Promise<void>
  /** Starts the delivery of events to `events`. */
  watch(): Promise<void>
}

/** Opens the peer of the home; the caller closes it. Waits up to TURN_MS if another verb uses the home. */
export async function takeSeat(flags: CommonFlags, more: Partial<JoinOptions> = {}): Promise<Seat> {
  let said = false
  for (const endAt = performance.now() + TURN_MS; ; ) {
    const shared = await sharedSeat(flags)
    if (shared !== undefined) return shared
    try {
      return ownSeat(await joinAs(flags, more))
    } catch (error) {
      const isTaken = error instanceof StraightwayError && error.code === 'conflict' && isOfHome(error)
      if (!isTaken || performance.now() > endAt || stopped.aborted) throw error
    }
    if (!said) note(flags.json, 'Another command uses this home: waiting until it ends.')
    said = true
    await sleep(LOOK_MS)
  }
}

/** Runs `act` with the peer of the home and closes the peer afterwards. Fails if the process is stopped before `act` ends. */
export const withSeat = <T>(flags: CommonFlags, act: (seat: Seat) => Promise<T>): Promise<T> =>
  whileSeated(flags, (seat) => Promise.race([act(seat), rejectWhenStopped()]))

/** Runs `act` with the peer of the home and closes the peer afterwards. `act` itself must end when the process is stopped. */
export async function whileSeated<T>(flags: CommonFlags, act: (seat: Seat) => Promise<T>): Promise<T> {
  const seat = await takeSeat(flags)
  try {
    return await act(seat)
  } finally {
    await seat.close()
  }
}

export const STOPPED = 'Stopped before it was done.'

function rejectWhenStopped(): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new StraightwayError('closed', STOPPED))
    if (stopped.aborted) stop()
    else stopped.addEventListener('abort', stop, { once: true })
  })
}

async function sharedSeat(flags: CommonFlags): Promise<Seat | undefined> {
  if (readDoor(flags.home) === undefined) return undefined
  const { RemotePeer } = await import('./daemon/remote-peer.ts')
  const remote = await RemotePeer.open(flags.home)
  if (remote === undefined) return undefined
  const { index, udp } = remote.facts
  try {
    if (flags.index !== undefined && flags.index.replace(/\/+$/, '') !== index)
      throw new StraightwayError(
        'conflict',
        `This home is up at ${index}: stop \`straightway up\`, or give another --home.`,
      )
    if (!flags.udp && udp)
      throw new StraightwayError(
        'conflict',
        'This home is up with UDP: start `straightway up --no-udp` instead.',
      )
    return remote
  } catch (error) {
    await remote.close()
    throw error
  }
}

/** Brings the peer of the home online in this process. */
export async function joinAs(flags: CommonFlags, more: Partial<JoinOptions> = {}): Promise<Peer> {
  const { index, home, invite, name, udp, json } = flags
  const options: JoinOptions = {
    index: await indexOf(index, home),
    home,
    udp,
    signal: stopped,
    ...(invite !== undefined && { invite }),
    ...(name !== undefined && { name }),
    ...more,
  }
  const { join } = await import('../peer/index.ts')
  const peer = await join(options)
  peer.on('error', ({ message }) => note(json, `warning: ${message}`))
  return peer
}

function ownSeat(peer: Peer): Seat {
  return {
    isShared: false,
    events: peer,
    peer: peer.peer,
    user: peer.user,
    get networks() {
      return peer.networks
    },
    index: peer.index,
    find: (...args) => peer.find(...args),
    send: (...args) => peer.send(...args),
    status: (...args) => peer.status(...args),
    connect: (to, options) => peer.connect(to, options),
    async serve(intents, decide) {
      peer.on('offer', (offer) =>
        intents.includes(offer.intent) ? decide(offer) : offer.refuse('not-served'),
      )
    },
    async watch() {},
    async close() {
      await peer.close()
    },
  }
}

/** True if the conflict is about the home, and not about the identity. */
const isOfHome = ({ message }: StraightwayError): boolean => message.includes('in use by process')
