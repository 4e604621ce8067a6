/**
 * A `straightway ping` that keeps running. It signs in once, opens a tunnel to a peer for each line that it reads, and prints
 * what `ping --json` prints. Each tunnel has its own socket, so only what the HANDSHAKE remembers carries over from one run
 * to the next.
 *
 *   pinger.ts INDEX INVITE HOME      prints {"peer"}; then for each line {"to", "wait", "size"} a summary, or {"error"}
 */
import { createInterface } from 'node:readline'
import { measured } from '../../cli/ping.ts'
import { join, type StraightwayError } from '../../peer/index.ts'

const COUNT = 3

const [index, invite, home] = process.argv.slice(2) as [string, string, string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

const peer = await join({ index, invite, home })
process.once('SIGTERM', () => peer.close().then(() => process.exit()))
say({ peer: peer.peer })
for await (const line of createInterface({ input: process.stdin })) {
  const { to, wait, size } = JSON.parse(line)
  await measured(peer, to, { paths: 'auto', count: COUNT, size, wait, json: true }).then(
    say,
    ({ code, message }: StraightwayError) => say({ error: code, detail: message }),
  )
}
