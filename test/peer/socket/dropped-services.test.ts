/** The UDP port of one service is dropped, while all other UDP works. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { PeerSocket } from '../../../peer/peer-socket.ts'
import { startEdge } from './edge.ts'

const MEGABYTE = 1 << 20

async function crosses([a, b]: readonly [PeerSocket, PeerSocket]): Promise<void> {
  const arrived = [once(a, 'message'), once(b, 'message')]
  a.send('there')
  b.send('back')
  expect((await Promise.all(arrived)).map(([bytes]) => `${bytes}`)).toEqual(['back', 'there'])
  const sent = randomBytes(MEGABYTE)
  const got = once(b, 'stream').then(([stream]) => buffer(stream))
  const stream = await a.createStream()
  stream.end(sent)
  expect((await got).equals(sent)).toBe(true)
}

test('a relay whose UDP port is dropped is reached by TLS, for datagrams and streams, again and again', async () => {
  const edge = await startEdge({ dropped: ['relay'] })
  onTestFinished(() => edge.close())
  for (let i = 0; i < 3; i++) {
    const pair = await edge.pair({ paths: 'relay-only' })
    expect(pair.map(({ path }) => path)).toEqual(['relayed', 'relayed'])
    await crosses(pair)
    pair[0].close()
  }
  expect(edge.relayed()).toBeGreaterThan(0)
})

test('a HANDSHAKE whose UDP port is dropped is reached otherwise, and the tunnel is direct all the same', async () => {
  const edge = await startEdge({ dropped: ['handshake', 'relay'] })
  onTestFinished(() => edge.close())
  const pair = await edge.pair()
  const isDirect = () => pair.every(({ path }) => path === 'direct')
  await expect.poll(isDirect, { timeout: 60_000 }).toBe(true)
  await crosses(pair)
})
