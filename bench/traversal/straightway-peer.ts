/**
 * The asking peer of Straightway: straightway-peer.ts INDEX INVITE HOME.
 *
 * It prints {"peer"}. Then it opens one tunnel for each input line {"to"}, and prints {"directMs", "provenMs"}, the time from
 * the call to the first direct path, or {} if there is none. Straightway reports a direct path after a round trip of 1,200
 * bytes on it, so both times are equal.
 */
import { createInterface } from 'node:readline'
import { join, type PeerSocket } from '../../peer/index.ts'
import { INTENT } from '../../serve/serve.ts'
import type { PeerId } from '../../shared/ids.ts'

const [index, invite, home] = process.argv.slice(2) as [string, string, string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

const peer = await join({ index, invite, home })
say({ peer: peer.peer })
for await (const line of createInterface({ input: process.stdin })) say(await tunnelTo(JSON.parse(line).to))

async function tunnelTo(to: PeerId): Promise<object> {
  const askedAt = performance.now()
  try {
    const socket = await peer.connect(to, { intent: INTENT.ping })
    const isDirect = await settled(socket)
    const directMs = performance.now() - askedAt
    await new Promise<void>((resolve) => socket.close(resolve))
    return isDirect ? { directMs, provenMs: directMs } : {}
  } catch (error) {
    return { error: (error as Error).message }
  }
}

/** Resolves once the kind of path is decided: true if it is direct. */
function settled(socket: PeerSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const check = () => {
      if (socket.path === 'direct') resolve(true)
      else if ((socket.whyNotDirect ?? 'not-yet') !== 'not-yet') resolve(false)
    }
    socket.on('path', check).once('close', () => resolve(false))
    check()
  })
}
