import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { SignJWT } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { createMetadata } from '../../../functions/streams/metadata.ts'
import { type Identity, identityOf, selfSignedProof } from '../../../shared/crypto/identity.ts'
import { type NodeId, toBase32, type UserId } from '../../../shared/ids.ts'
import { createPeers } from '../../../shared/store/peers.ts'
import { itemOfUser, newUser } from '../../../shared/store/users.ts'
import { react, startCloud } from '../cloud-under-test.ts'

const cloud = await startCloud()
const { gateway, connections, fleetKey, client } = cloud
const AUDIENCE = `straightway-gateway://${new URL(gateway.url).host}`
const USER = 'u_aaaaaaaaaaaaaaaa' as UserId
const Item = itemOfUser({ ...newUser({ name: 'Ada' }, 0), user: USER })
await client.send(new PutCommand({ TableName: 'Users', Item }))
const BYTES = Buffer.alloc(1200, 7).toString('base64')
const newNode = () => `node_${toBase32(randomBytes(5))}` as NodeId

async function open(token: string): Promise<WebSocket> {
  const socket = new WebSocket(gateway.websocketUrl, { headers: { authorization: `Bearer ${token}` } })
  await once(socket, 'open')
  onTestFinished(() => socket.close())
  return socket
}

const openNode = async (node: NodeId) =>
  open(
    await new SignJWT({ sub: node, aud: 'straightway-gateway' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1m')
      .sign(fleetKey),
  )

async function newPeer(): Promise<Identity> {
  const identity = identityOf(randomBytes(32))
  await createPeers(client).bind({ peer: identity.peer, user: USER }, Date.now())
  return identity
}

const proofOf = (identity: Identity, audience = AUDIENCE, issuedAt = Date.now()) =>
  selfSignedProof(identity, { audience, issuedAt, id: randomBytes(16).toString('base64url') })

const openPeer = async () => {
  const identity = await newPeer()
  return { socket: await open(proofOf(identity)), peer: identity.peer }
}

/** Returns the next message to this end. */
async function next(socket: WebSocket): Promise<Record<string, unknown>> {
  const [data] = await once(socket, 'message')
  return JSON.parse(String(data))
}

const say = (socket: WebSocket, said: object) => socket.send(JSON.stringify(said))
const to = (node: string, more: object = {}) => ({
  kind: 'datagram',
  node,
  service: 'checkpoint',
  port: 9,
  bytes: BYTES,
  ...more,
})

describe('a datagram', () => {
  test('goes from a peer to the node it names and back, with the bytes it had', async () => {
    const id = newNode()
    const [node, { socket, peer }] = await Promise.all([openNode(id), openPeer()])
    say(socket, to(id, { service: 'handshake', port: 65535 }))
    const arrived = await next(node)
    expect(arrived).toMatchObject({ peer, service: 'handshake', port: 65535, bytes: BYTES })
    const back = { kind: 'datagram', service: 'handshake', port: 65535, bytes: 'AA==' }
    say(node, { ...back, to: arrived.from })
    expect(await next(socket)).toEqual({ ...back, node: id })
  })

  test('cannot say that it comes from another peer', async () => {
    const id = newNode()
    const [node, { socket, peer }] = await Promise.all([openNode(id), openPeer()])
    say(socket, to(id, { peer: 'another', from: 'elsewhere=' }))
    const arrived = await next(node)
    expect(arrived.peer).toBe(peer)
    expect(await connections.get(`${arrived.from}`)).toMatchObject({ peer })
  })

  test('to a node that is not there is answered with that', async () => {
    const { socket } = await openPeer()
    say(socket, to('node_zzzzzzzz'))
    expect(await next(socket)).toEqual({ kind: 'gone', node: 'node_zzzzzzzz' })
  })

  test('to a peer that is not there is answered with that', async () => {
    const node = await openNode(newNode())
    say(node, { kind: 'datagram', to: 'nobody=', service: 'checkpoint', port: 1, bytes: 'AA==' })
    expect(await next(node)).toEqual({ kind: 'gone', connection: 'nobody=' })
  })

  test('of a node does not reach another node', async () => {
    const [one, other] = [newNode(), newNode()]
    const [node] = await Promise.all([openNode(one), openNode(other)])
    const [{ connection } = { connection: '' }] = await connections.ofNode(other)
    say(node, { kind: 'datagram', to: connection, service: 'checkpoint', port: 1, bytes: 'AA==' })
    expect(await next(node)).toEqual({ kind: 'gone', connection })
  })

  test.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a ping of a node', '{"kind":"ping"}'],
    ['what a node would say', JSON.stringify({ ...to('x'), to: 'abc=' })],
    ['a service that there is not', JSON.stringify(to('node_aaaaaaaa', { service: 'relay' }))],
    ['a port that is none', JSON.stringify(to('node_aaaaaaaa', { port: 65536 }))],
    ['a port that is no number', JSON.stringify(to('node_aaaaaaaa', { port: '1' }))],
    ['bytes that are not base64', JSON.stringify(to('node_aaaaaaaa', { bytes: 'a-b_' }))],
    ['more bytes than a datagram has', JSON.stringify(to('node_aaaaaaaa', { bytes: `${BYTES}AAAA` }))],
    ['a name that is no node', JSON.stringify(to('../../etc'))],
    ['JSON that is no object', '[null]'],
  ])('is all that a peer says: %s puts it out', async (_, text) => {
    const { socket } = await openPeer()
    const closed = once(socket, 'close')
    socket.send(text)
    expect((await closed)[0]).toBe(1000)
  })

  test('longer than a frame may be puts it out too', async () => {
    const { socket } = await openPeer()
    const closed = once(socket, 'close')
    socket.send('x'.repeat(33 * 1024))
    expect((await closed)[0]).toBe(1009)
  })
})

describe('a peer', () => {
  test('that has gone is forgotten', async () => {
    const id = newNode()
    const [node, { socket }] = await Promise.all([openNode(id), openPeer()])
    say(socket, to(id))
    const { from } = await next(node)
    socket.close()
    await expect.poll(() => connections.get(`${from}`), { interval: 5 }).toBeUndefined()
  })

  test.each([
    ['is not enrolled', async () => proofOf(identityOf(randomBytes(32)))],
    ['proves it to INDEX only', async () => proofOf(await newPeer(), AUDIENCE.replace('gateway', 'index'))],
    [
      'proves it to another deployment',
      async () => proofOf(await newPeer(), 'straightway-gateway://evil.test'),
    ],
    ['proved it long ago', async () => staleProof(await newPeer())],
    ['signs with another key', async () => forged(await newPeer())],
    ['was revoked', async () => proofOf(await revoked(await newPeer()))],
  ])('that %s is refused', async (_, token) => {
    await expect(open(await token())).rejects.toThrow('401')
  })

  test('that shows a proof which was used before is refused', async () => {
    const overheard = proofOf(await newPeer())
    await open(overheard)
    await expect(open(overheard)).rejects.toThrow('401')
  })

  test('that is revoked is cut off, and forgotten', async () => {
    const streams = await react(cloud, 'Peers', createMetadata(cloud.streamOf('metadata')))
    const [{ socket, peer }, other] = [await openPeer(), await openPeer()]
    const closed = once(socket, 'close')
    await createPeers(client).revoke(peer, Date.now())
    await closed
    await streams.drain()
    expect(await connections.ofPeer(peer)).toEqual([])
    expect(other.socket.readyState).toBe(WebSocket.OPEN)
    expect(await connections.ofPeer(other.peer)).toHaveLength(1)
  })

  const staleProof = (identity: Identity) => proofOf(identity, AUDIENCE, Date.now() - 121_000)
  const forged = ({ peer }: Identity) => proofOf({ ...identityOf(randomBytes(32)), peer })
  const revoked = async (identity: Identity) => {
    await createPeers(client).revoke(identity.peer, Date.now())
    return identity
  }
})
