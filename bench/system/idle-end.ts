/**
 * A peer with many tunnels: idle-end.ts INDEX INVITE HOME. It prints {"peer"}. For each line {"to", "tunnels"} it opens that
 * many, and for each line it prints {"bytes", "heapBytes"}: its resident memory, and the heap and its buffers, after a
 * collection of garbage.
 */
import { createInterface } from 'node:readline'
import { join, type PeerSocket } from '../../peer/index.ts'

const [index, invite, home] = process.argv.slice(2) as [string, string, string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
const sockets: PeerSocket[] = []
/** Tunnels that are opened at the same time. */
const AT_ONCE = 10

const peer = await join({ index, invite, home })
peer.on('offer', async (offer) => void sockets.push(await offer.accept()))
say({ peer: peer.peer })
for await (const line of createInterface({ input: process.stdin })) {
  const { to, tunnels = 0 } = JSON.parse(line)
  for (let opened = 0; opened < tunnels; opened += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, () => peer.connect(to, { intent: 'bench' }))
    sockets.push(...(await Promise.all(some)))
  }
  for (let i = 0; i < 3; i++) {
    global.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  say({ bytes: rss, heapBytes: heapUsed + external })
}
