/**
 * A peer of HyperDHT: hyperdht-peer.ts BOOTSTRAP prints {"key"} of the server that it listens with; then for each line {"to"},
 * one connection, {"directMs"} from the call to its `open`, or {"error"}. No relay is configured, so what opens is direct.
 */
import { createInterface } from 'node:readline'
import DHT, { type Stream } from 'hyperdht'

const [bootstrap] = process.argv.slice(2) as [string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

/** It pauses for 20 s between two scatterings, so that a second run would wait for the first. */
const node = new DHT({ bootstrap: [bootstrap], randomPunchInterval: 1 })
const server = node.createServer((stream) => void stream.on('error', () => {}))
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
    stream.once('open', () => {
      resolve({ directMs: performance.now() - askedAt })
      stream.destroy()
    })
    stream.on('error', ({ code, message }) => resolve({ error: code ?? message }))
  })
}
