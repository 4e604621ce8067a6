import { once } from 'node:events'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createPusher, type Delivered } from '../../../functions/streams/push.ts'
import type { NodeId, PeerId } from '../../../shared/ids.ts'
import { connectNode, startCloud } from '../cloud-under-test.ts'

const cloud = await startCloud()
const { gateway, connections, fleetKey } = cloud
const NODE = 'node_aaaaaaaa' as NodeId

interface Claims {
  readonly sub?: string
  readonly aud?: string
  readonly key?: Uint8Array
  readonly exp?: string
}

const token = ({ sub = NODE, aud = 'straightway-gateway', key = fleetKey, exp = '1m' }: Claims = {}) =>
  new SignJWT({ sub, aud }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp).sign(key)

async function open(headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(gateway.websocketUrl, { headers })
  await once(socket, 'open')
  return socket
}

const openAs = async (claims: Claims) => open({ authorization: `Bearer ${await token(claims)}` })

/** Retries until everything is sent, as a stream does. */
async function untilSent(send: () => Promise<Delivered>): Promise<void> {
  for (;;) {
    const { delivered, error } = await send()
    if (delivered > 0) return
    expect(error).toMatchObject({ code: 'unavailable' })
  }
}

describe('$connect', () => {
  test('registers a node that proves who it is, until it leaves', async () => {
    const before = Date.now()
    const socket = await openAs({})
    const [connection, ...others] = await connections.ofNode(NODE)
    expect(others).toEqual([])
    expect(connection?.connectedAt).toBeGreaterThanOrEqual(before)
    const lifeSeconds = connection!.expiresAtSeconds - connection!.connectedAt / 1000
    expect(Math.abs(lifeSeconds - 7_200)).toBeLessThan(1)
    socket.close()
    await expect.poll(() => connections.ofNode(NODE), { interval: 5 }).toEqual([])
  })

  test('takes the token that nodes make, and each key of the fleet', async () => {
    const node = await connectNode(cloud, NODE)
    expect(await connections.ofNode(NODE)).toHaveLength(1)
    node.close()
    await expect.poll(() => connections.ofNode(NODE), { interval: 5 }).toEqual([])
  })

  test('lets a node change its connection without missing a push', async () => {
    const node = await connectNode(cloud, NODE)
    const [before] = await connections.ofNode(NODE)
    const push = createPusher(cloud.streamOf('presence'))
    const missing = new Set<string>()
    const told = async () => {
      for (const one of await node.pushes()) if (one.kind === 'mail') missing.delete(one.peer)
      return missing.size
    }
    const isReplaced = async () => (await connections.ofNode(NODE))[0]?.connection !== before!.connection
    node.renew()
    for (let i = 0, isLast = false; !isLast; i++) {
      isLast = await isReplaced()
      missing.add(`${i}`)
      await untilSent(() => push([[{ nodes: [NODE], push: { kind: 'mail', peer: `${i}` as PeerId } }]]))
    }
    await expect.poll(told, { interval: 5 }).toBe(0)
    await expect.poll(() => connections.ofNode(NODE), { interval: 5 }).toHaveLength(1)
    node.close()
    await expect.poll(() => connections.ofNode(NODE), { interval: 5 }).toEqual([])
  })

  test('lets a second connection of a node take the place of the first, which is the node to end', async () => {
    const first = await openAs({})
    const second = await openAs({})
    const [connection] = await connections.ofNode(NODE)
    expect(first.readyState).toBe(WebSocket.OPEN)
    first.close()
    await expect.poll(() => connections.ofNode(NODE), { interval: 5 }).toHaveLength(1)
    const arrives = once(second, 'message')
    expect(await cloud.streamOf('presence').management.post(connection!.connection, 'to the second')).toBe(
      'sent',
    )
    expect(String((await arrives)[0])).toBe('to the second')
    second.close()
  })

  test('takes the token of a browser from a subprotocol, and selects the other one', async () => {
    const socket = new WebSocket(gateway.websocketUrl, ['straightway', await token()])
    await once(socket, 'open')
    expect(socket.protocol).toBe('straightway')
    socket.close()
    const wrong = await token({ key: new Uint8Array(32) })
    const [error] = await once(new WebSocket(gateway.websocketUrl, ['straightway', wrong]), 'error')
    expect(error.message).toContain('401')
  })

  const refused: [string, () => Promise<Record<string, string>>][] = [
    ['presents nothing', async () => ({})],
    ['presents another scheme', async () => ({ authorization: 'Basic YTpi' })],
    ['presents no token', async () => ({ authorization: 'Bearer x' })],
    ['was signed by another key', async () => bearer(await token({ key: new Uint8Array(32) }))],
    ['was meant for another door', async () => bearer(await token({ aud: 'straightway' }))],
    ['has ended', async () => bearer(await token({ exp: '-1m' }))],
    ['is of no node', async () => bearer(await token({ sub: 'u_aaaaaaaaaaaaaaaa' }))],
    [
      'is not signed at all',
      async () => bearer(new UnsecuredJWT({ sub: NODE }).setAudience('straightway-gateway').encode()),
    ],
    ['never ends', async () => bearer(await neverEnding())],
  ]
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
  const neverEnding = () =>
    new SignJWT({ sub: NODE, aud: 'straightway-gateway' }).setProtectedHeader({ alg: 'HS256' }).sign(fleetKey)

  test.each(refused)('refuses with 401 who %s', async (_, headers) => {
    await expect(open(await headers())).rejects.toThrow('401')
  })
})

describe('$default', () => {
  test('leaves a connection that pushes can find alone, whatever it says', async () => {
    const socket = await openAs({ sub: 'node_bbbbbbbb' })
    for (const text of ['{"kind":"ping"}', '{', '']) socket.send(text)
    const [connection] = await connections.ofNode('node_bbbbbbbb' as NodeId)
    const arrives = once(socket, 'message')
    await cloud.streamOf('presence').management.post(connection!.connection, 'still there')
    expect(String((await arrives)[0])).toBe('still there')
    socket.close()
  })

  test('ends a connection that the table has lost', async () => {
    const socket = await openAs({ sub: 'node_cccccccc' })
    const [connection] = await connections.ofNode('node_cccccccc' as NodeId)
    await connections.remove(connection!.connection)
    const closed = once(socket, 'close')
    socket.send('{"kind":"ping"}')
    expect((await closed)[0]).toBe(1000)
  })
})
