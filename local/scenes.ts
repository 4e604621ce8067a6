/** The scenes of the demo: the actions of an administrator over REST, and those of three peers as in an application. */
import { createHash, randomBytes } from 'node:crypto'
import { on, once } from 'node:events'
import { createReadStream, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join as joinPath } from 'node:path'
import type { AdminClient } from '../peer/index.ts'
import { join, type Offer, type Peer, type PeerSocket } from '../peer/index.ts'
import { sendFiles } from '../serve/send-files.ts'
import { INTENT, type Serving, serve } from '../serve/serve.ts'
import { sourcesOf } from '../serve/sources.ts'
import { forwardTcp } from '../serve/tcp.ts'
import type { NetworkId, PeerId, UserId } from '../shared/ids.ts'
import type { System } from './system.ts'

const FILE_BYTES = 20 * 1000 * 1000
export const MESSAGES = 100
/** Longest time that a step takes in a working system. */
const PATIENCE_MS = 20_000

/** The system that the demo uses. */
export type Stage = Pick<System, 'index' | 'adminKey' | 'close'>

export interface Cast {
  readonly ada: Peer
  readonly ben: Peer
  readonly phone: Peer
}

export interface Society {
  readonly network: NetworkId
  readonly ada: UserId
  readonly ben: UserId
}

export async function found(admin: AdminClient): Promise<Society> {
  const { network } = await admin.createNetwork({ body: { name: 'chess club' } })
  const { user: ada } = await admin.createUser({ body: { name: 'Ada' } })
  const { user: ben } = await admin.createUser({ body: { name: 'Ben' } })
  for (const user of [ada, ben]) await admin.putMember({ network, user, body: { role: 'member' } })
  return { network, ada, ben }
}

export async function enrol(
  system: Stage,
  admin: AdminClient,
  { network, ada, ben }: Society,
  phoneSeed: Buffer,
): Promise<Cast> {
  const invite = async (user: UserId) => (await admin.createInvite({ network, body: { user } })).code
  const { index } = system
  return {
    ada: await join({ index, invite: await invite(ada), name: 'desk' }),
    ben: await join({
      index,
      invite: await invite(ben),
      name: 'laptop',
      metadata: { game: 'chess', rating: 1740 },
    }),
    phone: await join({
      index,
      invite: await invite(ben),
      name: 'phone',
      identity: phoneSeed,
      metadata: { game: 'checkers' },
    }),
  }
}

export async function notify(ada: Peer, ben: Peer): Promise<number> {
  const heard = until<[{ peer: PeerId; status: string }]>(
    ada,
    'presence',
    ({ peer, status }) => peer === ben.peer && status === 'busy',
  )
  return timed(async () => {
    ben.status('busy', { custom: 'in a game' })
    await heard
  })
}

/** Finds Ben by his metadata. The index lags behind the tables by a moment, so the search is repeated. */
export async function findBen({ ada, ben }: Cast): Promise<number> {
  for (const endAt = performance.now() + PATIENCE_MS; performance.now() < endAt; ) {
    const found = await ada.find('metadata.game eq "chess" and metadata.rating gt 1500 and status eq "busy"')
    if (found.some(({ peer }) => peer === ben.peer)) return found.length
  }
  throw new Error('Ben is not found by his metadata.')
}

export async function beRefused(ada: Peer, phone: Peer): Promise<{ reason: string }> {
  phone.once('offer', (offer: Offer) => offer.refuse('low battery'))
  try {
    await ada.connect(phone.peer, { intent: 'video' })
  } catch (error) {
    return { reason: (error as Error).message }
  }
  throw new Error('The offer was not refused.')
}

export function serveAll(peer: Peer, serving: Serving): void {
  peer.removeAllListeners('offer')
  peer.on('offer', async (offer) => serve(await offer.accept(), offer.intent, serving))
}

export type Carried = Awaited<ReturnType<typeof carry>>

export async function carry(from: Peer, to: PeerId, paths: 'auto' | 'relay-only', folder: string) {
  const file = joinPath(folder, `${paths}.bin`)
  writeFileSync(file, randomBytes(FILE_BYTES))
  const socket = await from.connect(to, { intent: INTENT.file, paths })
  if (paths === 'auto') await untilDirect(socket)
  const startedAt = performance.now()
  const { bytes, files } = await sendFiles(socket, (await sourcesOf([file])).list)
  const mbps = Math.round((bytes * 8) / (performance.now() - startedAt) / 100) / 10
  const { path, times, overheadBytesPerPacket } = socket
  const sha256Equal = files[0]?.sha256 === (await sha256Of(joinPath(folder, `${paths} (1).bin`)))
  await new Promise<void>((resolve) => socket.close(resolve))
  const firstByteMs = Math.round(times.firstByteMs ?? -1)
  return { path, firstByteMs, bytes, sha256Equal, mbps, overheadBytesPerPacket }
}

export const told = ({ path, firstByteMs, mbps, sha256Equal }: Carried): string =>
  `${path}, first byte after ${firstByteMs} ms, ${mbps} Mbit/s, SHA-256 ${sha256Equal ? 'equal' : 'DIFFERS'}`

async function untilDirect(socket: PeerSocket): Promise<void> {
  while (socket.path !== 'direct') await once(socket, 'path', { signal: AbortSignal.timeout(PATIENCE_MS) })
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

export async function fetchThrough(ada: Peer, ben: Peer): Promise<{ status: number; bytes: number }> {
  const page = `<h1>Behind Ben</h1>${'.'.repeat(100_000)}`
  const server = createServer((_, response) => response.end(page)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: remotePort } = server.address() as AddressInfo
  serveAll(ben, { expose: [remotePort] })
  const tunnel = () => ada.connect(ben.peer, { intent: INTENT.tcp })
  const forward = await forwardTcp({ tunnel, remotePort, localPort: 0 })
  const response = await fetch(`http://127.0.0.1:${forward.port}/`, { headers: { connection: 'close' } })
  const bytes = (await response.text()).length
  if (bytes !== page.length) throw new Error(`${bytes} bytes came instead of ${page.length}.`)
  await forward.close()
  server.close()
  return { status: response.status, bytes }
}

export async function talk(ada: Peer, ben: Peer) {
  const heard = { toAda: [] as string[], toBen: [] as string[] }
  ada.on('message', ({ text }) => heard.toAda.push(text))
  ben.on('message', ({ text }) => heard.toBen.push(text))
  const texts = Array.from({ length: MESSAGES }, (_, i) => `move ${i + 1}`)
  await Promise.all(texts.flatMap((text) => [ada.send(ben.peer, text), ben.send(ada.peer, text)]))
  ada.removeAllListeners('message')
  ben.removeAllListeners('message')
  const all = [heard.toAda, heard.toBen]
  const inOrder = all.every((list) => list.every((text, i) => text === texts[i]))
  const delivered = all.reduce((sum, list) => sum + new Set(list).size, 0)
  const duplicates = all.reduce((sum, list) => sum + list.length - new Set(list).size, 0)
  if (!inOrder) throw new Error('Messages came out of order.')
  return { sent: 2 * MESSAGES, delivered, duplicates }
}

export async function comeBack({ index }: Stage, { ada, phone }: Cast, identity: Buffer) {
  await phone.close()
  const outcome = await ada.send(phone.peer, 'rematch?')
  const returned = await join({ index, identity, metadata: { game: 'checkers' } })
  const [{ text }] = (await once(returned, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [
    { text: string },
  ]
  await returned.close()
  return { outcome, delivered: outcome === 'stored' && text === 'rematch?' }
}

export async function welcomeCleo(admin: AdminClient, { network }: Society, ada: Peer): Promise<number> {
  const { user } = await admin.createUser({ body: { name: 'Cleo' } })
  const heard = until<[{ kind: string; user?: string }]>(
    ada,
    'change',
    (change) => change.kind === 'membership' && change.user === user,
  )
  return timed(async () => {
    await admin.putMember({ network, user, body: { role: 'member' } })
    await heard
  })
}

export async function curtain(system: Stage, { ada, ben }: Cast): Promise<void> {
  await Promise.all([ada.close(), ben.close()])
  await system.close()
}

async function until<Args extends unknown[]>(
  peer: Peer,
  event: string,
  isIt: (...args: Args) => boolean,
): Promise<void> {
  // One listener for the whole wait, because several events may arrive at the same moment.
  const signal = AbortSignal.timeout(PATIENCE_MS)
  for await (const args of on(peer as unknown as NodeJS.EventEmitter, event, { signal }))
    if (isIt(...(args as Args))) return
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return Math.round(performance.now() - startedAt)
}
