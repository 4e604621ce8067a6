/** One round of what an application does, with two peers in one process. */
import { hkdfSync } from 'node:crypto'
import { once } from 'node:events'
import { join, type Peer, type PeerSocket, StraightwayError } from '../peer/index.ts'

export interface Stage {
  /** Base URL of INDEX. */
  readonly index: string
  /** Secret text from which the identities of both peers are derived, so that they are the same each time. */
  readonly seed: string
  /** Returns the code of an invite for both peers. Called only if they are not enrolled. */
  readonly invite: () => Promise<string>
  /** Ends the round. */
  readonly signal: AbortSignal
}

/** The time that each step took. */
export interface Song {
  /** Both peers, one after the other: INDEX, ticket, and a session over UDP. */
  readonly signInMs: number
  /** Time from `send` until the other peer has the message. */
  readonly messageMs: number
  /** Time from `connect` until a datagram has come through the relay and back. */
  readonly tunnelMs: number
}

export type StepName = 'sign-in' | 'message' | 'tunnel'

/** A round that failed. `cause` is the error of the step. */
export class SongError extends Error {
  readonly step: StepName

  constructor(step: StepName, cause: unknown) {
    super(`${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.step = step
  }
}

/** Plays one round. Rejects with SongError. The peers are offline again when it settles. */
export async function sing(stage: Stage): Promise<Song> {
  const peers: Peer[] = []
  try {
    const signInMs = await step('sign-in', () => signIn(stage, peers))
    const [one, other] = peers as [Peer, Peer]
    const messageMs = await step('message', () => talk(one, other, stage.signal))
    const tunnelMs = await step('tunnel', () => tunnel(one, other, stage.signal))
    return { signInMs, messageMs, tunnelMs }
  } finally {
    await Promise.all(peers.map((peer) => peer.close()))
  }
}

/** Runs a step and returns its duration in milliseconds. */
async function step(name: StepName, play: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  try {
    await play()
  } catch (error) {
    throw new SongError(name, error)
  }
  return Math.round(performance.now() - startedAt)
}

async function signIn(stage: Stage, peers: Peer[]): Promise<void> {
  try {
    await joinBoth(stage, peers, {})
  } catch (error) {
    if (!(error instanceof StraightwayError) || error.code !== 'unknown-peer') throw error
    await Promise.all(peers.splice(0).map((peer) => peer.close()))
    await joinBoth(stage, peers, { invite: await stage.invite() })
  }
  if (peers.some(({ udpBlocked }) => udpBlocked))
    throw new StraightwayError('unavailable', 'No node answered over UDP; the gateway did.')
}

async function joinBoth(
  { index, seed, signal }: Stage,
  peers: Peer[],
  how: { invite?: string },
): Promise<void> {
  for (const name of ['canary one', 'canary two'])
    peers.push(await join({ index, identity: identityOf(seed, name), name, signal, ...how }))
}

const identityOf = (seed: string, name: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', seed, '', name, 32))

async function talk(one: Peer, other: Peer, signal: AbortSignal): Promise<void> {
  const heard = once(other, 'message', { signal })
  const [[message]] = await Promise.all([heard, one.send(other.peer, 'tweet', { signal })])
  if (message.text !== 'tweet') throw new StraightwayError('internal', `The message became ${message.text}.`)
}

async function tunnel(one: Peer, other: Peer, signal: AbortSignal): Promise<void> {
  other.once('offer', async (offer) => echo(await offer.accept()))
  const socket = await one.connect(other.peer, { intent: 'canary', paths: 'relay-only', signal })
  const heard = once(socket, 'message', { signal })
  socket.send('tweet')
  const [datagram] = await heard
  socket.close()
  if (String(datagram) !== 'tweet') throw new StraightwayError('internal', `The datagram became ${datagram}.`)
}

function echo(socket: PeerSocket): void {
  socket.on('message', (datagram) => socket.send(datagram))
}
