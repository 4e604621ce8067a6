import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, test } from 'vitest'
import { createMetadata } from '../../../functions/streams/metadata.ts'
import { createBlocks } from '../../../shared/store/blocks.ts'
import { createPeers } from '../../../shared/store/peers.ts'
import type { TableName } from '../../../shared/store/tables.ts'
import { connectNode, react, startCloud } from '../cloud-under-test.ts'
import { join, newNetwork, newNode, newPeerId, newUserId, presenceAt, putPresence, putUser } from './world.ts'

const cloud = await startCloud()
const { client } = cloud

async function setting(table: TableName) {
  const [network, id] = [newNetwork(), newNode()]
  await join(cloud, network, id)
  const node = await connectNode(cloud, id)
  const elsewhere = await connectNode(cloud, newNode())
  const streams = await react(cloud, table, createMetadata(cloud.streamOf('metadata')))
  const told = async () => {
    await streams.drain()
    expect(await elsewhere.pushes()).toEqual([])
    return node.pushes()
  }
  return { network, id, told }
}

const put = (TableName: TableName, Item: object) => client.send(new PutCommand({ TableName, Item }))

describe('metadata', () => {
  test('of a user goes to its networks; that it joined one is not metadata', async () => {
    const { network, told } = await setting('Users')
    const user = newUserId()
    await putUser(cloud, user, [network])
    const push = { kind: 'metadata', entity: 'user', id: user, networks: [network] }
    expect(await told()).toEqual([{ ...push, value: { name: 'Ada', attributes: {} }, isNew: true }])
    await putUser(cloud, user, [network, newNetwork()])
    expect(await told()).toEqual([])
    await putUser(cloud, user, [network], 'Grace')
    expect(await told()).toMatchObject([{ value: { name: 'Grace' } }])
    await client.send(new DeleteCommand({ TableName: 'Users', Key: { user } }))
    expect(await told()).toEqual([push])
  })

  test('is pushed with numbers beyond the integers', async () => {
    const { network, told } = await setting('Networks')
    await put('Networks', { network, name: 'Guild', attributes: { big: 2 ** 60 }, owners: 1, version: 1 })
    expect(await told()).toMatchObject([{ value: { attributes: { big: 2 ** 60 } } }])
  })

  test('what a network lets tunnels use is told to the nodes of its members', async () => {
    const { network, told } = await setting('Networks')
    const item = { network, name: 'Guild', attributes: {}, paths: 'auto', owners: 1, version: 1 }
    await put('Networks', item)
    await told()
    await put('Networks', { ...item, paths: 'relay-only' })
    expect(await told()).toEqual([{ kind: 'paths', network, paths: 'relay-only' }])
  })

  test('that is declared private goes to nobody, and its edit is not told', async () => {
    const { network, told } = await setting('Networks')
    const visibility = { 'attributes.secret': 'private' }
    await put('Collections', { collection: 'networks', searchable: [], indexed: [], visibility, version: 1 })
    const item = { network, name: 'Guild', attributes: { motto: 'go', secret: 1 }, owners: 1, version: 1 }
    await put('Networks', item)
    expect(await told()).toMatchObject([{ value: { name: 'Guild', attributes: { motto: 'go' } } }])
    await put('Networks', { ...item, attributes: { motto: 'go', Secret: 2 } })
    expect(await told()).toEqual([])
    await client.send(new DeleteCommand({ TableName: 'Collections', Key: { collection: 'networks' } }))
  })

  test('of a network goes to its members; that it has another owner is not metadata', async () => {
    const { network, told } = await setting('Networks')
    const item = { network, name: 'Guild', attributes: { motto: 'go' }, owners: 1, version: 1 }
    await put('Networks', item)
    await put('Networks', { ...item, owners: 2 })
    expect(await told()).toEqual([
      {
        kind: 'metadata',
        entity: 'network',
        id: network,
        networks: [network],
        value: { name: 'Guild', attributes: { motto: 'go' } },
        isNew: true,
      },
    ])
  })

  test('of an object goes to its network, also to the one it left; a private one to nobody', async () => {
    const { network, told } = await setting('Objects')
    const [object, other] = [{ collection: 'lobby', id: 'l1', network, value: { map: 'dust' } }, newNetwork()]
    await put('Objects', object)
    await put('Objects', { ...object, network: other, value: { map: 'inferno' } })
    await put('Objects', { ...object, id: 'private', network: undefined })
    const push = { kind: 'metadata', entity: 'object', collection: 'lobby', id: 'l1' }
    expect(await told()).toEqual([
      { ...push, networks: [network], value: { map: 'dust' }, isNew: true },
      { ...push, networks: [network, other], value: { map: 'inferno' } },
    ])
  })

  test('that is too long to go on to peers is only announced', async () => {
    const { network, told } = await setting('Objects')
    await put('Objects', { collection: 'lobby', id: 'long', network, value: { text: 'x'.repeat(2_000) } })
    const [push, ...more] = await told()
    expect(push).toMatchObject({ id: 'long', networks: [network] })
    expect(push).not.toHaveProperty('value')
    expect(more).toEqual([])
  })

  test('of a peer goes to the networks of its user', async () => {
    const { network, id, told } = await setting('Peers')
    const [user, peer] = [newUserId(), newPeerId()]
    await putUser(cloud, user, [network])
    await createPeers(client).bind({ peer, user, name: 'phone' }, 1)
    await putPresence(cloud, { ...presenceAt(id, [network]), peer, user })
    expect(await told()).toMatchObject([
      { entity: 'peer', id: peer, networks: [network], value: { name: 'phone' } },
    ])
    await createPeers(client).update(peer, { now: 2, patch: { name: 'tablet' } })
    expect(await told()).toMatchObject([{ value: { name: 'tablet' } }])
  })

  test('that revokes a peer goes to every node once: it may come to any with a ticket it still has', async () => {
    const node = await connectNode(cloud, newNode())
    const streams = await react(cloud, 'Peers', createMetadata(cloud.streamOf('metadata')))
    const [peer, user] = [newPeerId(), newUserId()]
    await putUser(cloud, user, [])
    await createPeers(client).bind({ peer, user, name: 'phone' }, 1)
    await createPeers(client).revoke(peer, 3)
    await createPeers(client).revoke(peer, 4)
    await streams.drain()
    expect(await node.pushes()).toEqual([{ kind: 'revoked', peer }])
  })

  test('that says whom a user blocks goes to where its peers are, and to nobody else', async () => {
    const { network, id, told } = await setting('Users')
    const [user, peer, foe] = [newUserId(), newPeerId(), newUserId()]
    await putUser(cloud, user, [network])
    await told()
    await putPresence(cloud, { ...presenceAt(id, [network]), peer, user })
    await createPeers(client).bind({ peer, user, name: 'phone' }, 1)
    await createBlocks(client).add(user, foe, 1)
    expect(await told()).toEqual([{ kind: 'blocks', user, version: 1 }])
    await createBlocks(client).remove(user, foe)
    expect(await told()).toEqual([{ kind: 'blocks', user, version: 2 }])
  })
})
