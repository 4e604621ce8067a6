/**
 * An end of Straightway: straightway-end.ts INDEX INVITE HOME. It prints {"name"}, the id of its peer. For the lines that it
 * reads and prints after that, see end.ts.
 */
import { once } from 'node:events'
import { join, type PeerSocket } from '../../peer/index.ts'
import type { Paths } from '../../shared/paths.ts'
import { serveEnd } from './end.ts'

const [index, invite, home] = process.argv.slice(2) as [string, string, string]
const peer = await join({ index, invite, home })
peer.on('offer', async (offer) => {
  const socket = await offer.accept()
  socket.on('stream', (stream) => end.received(stream))
})
const end = serveEnd(peer.peer, async (to, paths) => {
  const socket = await peer.connect(to as typeof peer.peer, { intent: 'bench', paths: paths as Paths })
  if (paths === 'direct' || paths === 'auto') await direct(socket)
  return await socket.createStream()
})

async function direct(socket: PeerSocket): Promise<void> {
  while (socket.path !== 'direct') await once(socket, 'path')
}
