/**
 * A peer of HyperDHT: hyperdht-peer.ts BOOTSTRAP.
 *
 * It prints {"key"}, the public key of its server. Then it opens one connection for each input line {"to"}, and prints one
 * line: {"directMs"}, the time from the call to the event `open`, with "provenMs" when the other side has returned a message;
 * or {"error"}. No relay is configured, so each connection that opens is direct.
 */
import { createInterface } from 'node:readline'
import DHT, { type Stream } from 'hyperdht'
import { ECHO_MS, MESSAGE_BYTES } from './contestant.ts'

const [bootstrap] = process.argv.slice(2) as [string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** The node. By default it pauses for 20 s between two rounds of random punching, so a second run would wait for the first. */
const node = new DHT({ bootstrap: [bootstrap], randomPunchInterval: 1 })
const server = node.createServer((stream) => void stream.on('error', () => {}).pipe(stream))
const keyPair = DHT.keyPair()
await server.listen(keyPair)
say({ key: keyPair.publicKey.toString('hex') })
for await (const line of createInterface({ input: process.stdin })) {
  const stream = node.connect(Buffer.from(JSON.parse(line).to, 'hex'))
  say(await opened(stream))
}

function opened(stream: Stream): Promise<object> {
  const askedAt = performance.now()
  return new Promise((resolve) => {
    stream.once('open', async () => {
      const directMs = performance.now() - askedAt
      resolve({ directMs, ...((await returned(stream)) && { provenMs: performance.now() - askedAt }) })
      stream.destroy()
    })
    stream.on('error', ({ code, message }) => resolve({ error: code ?? message }))
  })
}

/** Sends a message. Resolves with true if it comes back in time. */
function returned(stream: Stream): Promise<boolean> {
  return new Promise((resolve) => {
    let missing = MESSAGE_BYTES
    const late = setTimeout(resolve, ECHO_MS, false)
    stream.on('data', (bytes: Uint8Array) => {
      missing -= bytes.length
      if (missing > 0) return
      clearTimeout(late)
      resolve(true)
    })
    stream.write(new Uint8Array(MESSAGE_BYTES))
  })
}
