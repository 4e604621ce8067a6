/**
 * A peer of HyperDHT: hyperdht-peer.ts BOOTSTRAP prints {"key"} of the server that it listens with; then for each line {"to"},
 * one connection, {"directMs"} from the call to its `open`, with "provenMs" until the other side has returned a message, or
 * {"error"}. No relay is configured, so what opens is direct.
 */
import { createInterface } from 'node:readline'
import DHT, { type Stream } from 'hyperdht'
import { ECHO_MS, MESSAGE_BYTES } from './contestant.ts'

const [bootstrap] = process.argv.slice(2) as [string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** It pauses for 20 s between two scatterings, so that a second run would wait for the first. */
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

/** Whether a message came back. */
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
