import { expect, test } from 'vitest'
import { createMailboxReaction } from '../../../functions/streams/mailbox.ts'
import type { PeerId, UserId } from '../../../shared/ids.ts'
import { createMailbox } from '../../../shared/store/mailbox.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { newNode, newPeerId, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const mailbox = createMailbox(cloud.client)

const USER = 'u_aaaaaaaaaaaaaaaa' as UserId

const store = (peer: PeerId, ...sequences: number[]) =>
  Promise.all(
    sequences.map((sequence) => {
      const number = { epoch: 1, sequence, previous: 0, previousIsStored: false }
      const message = { from: peer, ...number, sentAt: 1, body: Uint8Array.of(1) }
      return mailbox.store({ peer, user: USER, message }, Date.now())
    }),
  )

test('mail is told to the node where its recipient is, once for many messages', async () => {
  const [here, there] = [newNode(), newNode()]
  const [nodeHere, nodeThere] = [await connectNode(cloud, here), await connectNode(cloud, there)]
  const item = presenceAt(here, [])
  await putPresence(cloud, item)
  await store(item.peer, 1, 2, 3, 4)
  const handler = createMailboxReaction(cloud.streamOf('mailbox'))
  const streams = await react(cloud, 'Mailbox', handler, 'the beginning')
  await streams.drain()
  expect(await nodeHere.pushes()).toEqual([{ kind: 'mail', peer: item.peer }])
  expect(await nodeThere.pushes()).toEqual([])
})

test('mail for a peer that is away, and mail that is fetched, is told to nobody', async () => {
  const here = newNode()
  const node = await connectNode(cloud, here)
  const item = presenceAt(here, [])
  await store(item.peer, 1)
  const streams = await react(cloud, 'Mailbox', createMailboxReaction(cloud.streamOf('mailbox')))
  await store(newPeerId(), 1)
  await putPresence(cloud, item)
  const { messages } = await mailbox.read(item.peer, 9)
  await mailbox.discard(
    item.peer,
    messages.map(({ entry }) => entry),
  )
  await streams.drain()
  expect(await node.pushes()).toEqual([])
})
