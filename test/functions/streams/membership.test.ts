import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { expect, test } from 'vitest'
import { createMembership } from '../../../functions/streams/membership.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { join, newNetwork, newNode, newPeerId, newUserId, presenceAt, putPresence } from './world.ts'

const cloud = await startCloud()
const { client } = cloud

test('joining, a new role and leaving are told to the members and to the user itself, nothing else', async () => {
  const [network, user] = [newNetwork(), newUserId()]
  const [members, own, elsewhere] = [newNode(), newNode(), newNode()]
  await join(cloud, network, members)
  const nodes = [
    await connectNode(cloud, members),
    await connectNode(cloud, own),
    await connectNode(cloud, elsewhere),
  ]
  for (const node of [own, undefined]) {
    const peer = newPeerId()
    await client.send(new PutCommand({ TableName: 'Peers', Item: { peer, user } }))
    if (node) await putPresence(cloud, { ...presenceAt(node, []), peer, user })
  }
  const streams = await react(cloud, 'Memberships', createMembership(cloud.streamOf('membership')))
  const put = (role: string, joinedAt = 1) =>
    client.send(new PutCommand({ TableName: 'Memberships', Item: { network, user, role, joinedAt } }))
  await put('member')
  await put('member', 2)
  await put('admin')
  await client.send(new DeleteCommand({ TableName: 'Memberships', Key: { network, user } }))
  await streams.drain()
  const told = [{ role: 'member', isNew: true }, { role: 'admin' }, { role: null }].map((change) => ({
    ...{ kind: 'membership', network, user },
    ...change,
  }))
  expect(await nodes[0]!.pushes()).toEqual(told)
  expect(await nodes[1]!.pushes()).toEqual(told)
  expect(await nodes[2]!.pushes()).toEqual([])
})

test('a node that has members and the user is told once', async () => {
  const [network, user, id] = [newNetwork(), newUserId(), newNode()]
  await join(cloud, network, id)
  const item = { ...presenceAt(id, [network]), user }
  await client.send(new PutCommand({ TableName: 'Peers', Item: { peer: item.peer, user } }))
  await putPresence(cloud, item)
  const node = await connectNode(cloud, id)
  const streams = await react(cloud, 'Memberships', createMembership(cloud.streamOf('membership')))
  await client.send(
    new PutCommand({ TableName: 'Memberships', Item: { network, user, role: 'owner', joinedAt: 1 } }),
  )
  await streams.drain()
  expect(await node.pushes()).toEqual([{ kind: 'membership', network, user, role: 'owner', isNew: true }])
})
