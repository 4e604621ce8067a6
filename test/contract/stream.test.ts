/** Streams of tunnels behave like `net.Socket`: the same suite runs on both. */
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { PeerSocket } from '../../peer/peer-socket.ts'
import type { PeerStream } from '../../peer/stream/peer-stream.ts'
import { type Edge, startEdge } from '../peer/socket/edge.ts'
import { type MakePair, streamContract } from './stream.ts'

const HOST = '127.0.0.1'

const tcpPair: MakePair = async ({ allowHalfOpen = false } = {}) => {
  const server = net.createServer({ allowHalfOpen }).listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const near = net.connect({ port, host: HOST, allowHalfOpen })
  const [[far]] = await Promise.all([
    once(server, 'connection') as Promise<[net.Socket]>,
    once(near, 'connect'),
  ])
  onTestFinished(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far]
}

let edge: Edge
let sockets: [PeerSocket, PeerSocket]

beforeAll(async () => {
  edge = await startEdge()
  sockets = await edge.pair()
})
afterAll(() => edge.close())

const tunnelPair: MakePair = async ({ allowHalfOpen = false } = {}) => {
  const [a, b] = sockets
  const offered = once(b, 'stream') as Promise<[PeerStream]>
  const near = await a.createStream({ allowHalfOpen })
  const [far] = await offered
  far.allowHalfOpen = allowHalfOpen
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}

streamContract('net.Socket', tcpPair)
streamContract('createStream()', tunnelPair)
