/**
 * An end of HyperDHT: hyperdht-end.ts BOOTSTRAP HOST. It prints {"name"}, the key of its server. For the lines that it reads
 * and prints after that, see end.ts.
 */
import { once } from 'node:events'
import DHT from 'hyperdht'
import { serveEnd } from './end.ts'

const [bootstrap, host] = process.argv.slice(2) as [string, string]
const node = new DHT({ bootstrap: [bootstrap], host })
const keyPair = DHT.keyPair()
await node.createServer((stream) => end.received(stream.on('error', () => {}))).listen(keyPair)
const end = serveEnd(keyPair.publicKey.toString('hex'), async (to) => {
  const stream = node.connect(Buffer.from(to, 'hex'))
  await once(stream, 'open')
  return stream
})
