/** The purpose of a deployed system: peers find each other, talk and learn of changes, through nodes registered in it. */
import { on, once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { playDemo } from '../../../local/cloud/demo.ts'
import { type Nodes, startNodes } from '../../../local/cloud/nodes.ts'
import { type Change, join, type Peer } from '../../../peer/index.ts'
import { ask, deployed } from './index-client.ts'

let nodes: Nodes

beforeAll(async () => {
  nodes = await startNodes(deployed, () => {})
})
afterAll(() => nodes?.close())

test('INDEX tells of the nodes that registered', async () => {
  const { nodes: listed } = await ask('GET', '/v1/bootstrap', 200)
  const names = (listed as { node: string }[]).map(({ node }) => node).sort()
  expect(names).toEqual(nodes.ready.map(({ node }) => node).sort())
})

test('two peers enrol with an invite, sign in at the nodes, and one gets the message of the other', async () => {
  const [alice, bob] = await friends('Second')
  const [, [message]] = await Promise.all([alice.send(bob.peer, 'hello'), once(bob, 'message')])
  expect(Buffer.from(message.body).toString()).toBe('hello')
  await Promise.all([alice.close(), bob.close()])
})

test('a change over REST reaches a peer: stream, function, WebSocket API, node', async () => {
  const [alice, bob, network] = await friends('Third')
  const heard = changeOf(network, bob)
  await ask('PATCH', `/v1/networks/${network}`, 200, { body: { name: 'Renamed' } })
  expect(await heard).toMatchObject({ kind: 'metadata', entity: 'network' })
  await Promise.all([alice.close(), bob.close()])
})

test('a peer without UDP talks through the deployed WebSocket API', async () => {
  const { code } = await inviteTo('Fourth')
  const { index } = deployed
  const [alice, bob] = [await join({ index, invite: code, udp: false }), await join({ index, invite: code })]
  const [, [message]] = await Promise.all([alice.send(bob.peer, 'no UDP here'), once(bob, 'message')])
  expect(message.text).toBe('no UDP here')
  await Promise.all([alice.close(), bob.close()])
})

test('the demo plays on it', async () => {
  const report = await playDemo(deployed, deployed.adminKey)
  expect(report).toMatchObject({ ok: true })
  expect(report.tunnels?.map(({ path }) => path)).toEqual(['direct', 'relayed'])
})

/** Returns two peers of a new network. */
async function friends(name: string): Promise<[Peer, Peer, string]> {
  const { network, code } = await inviteTo(name)
  const options = { index: deployed.index, invite: code }
  return [await join(options), await join(options), network]
}

/** Makes a new network and an invitation for two. */
async function inviteTo(name: string): Promise<{ readonly network: string; readonly code: string }> {
  const { network } = await ask('POST', '/v1/networks', 201, { body: { name } })
  const body = { role: 'member', uses: 2 }
  const { code } = await ask('POST', `/v1/networks/${network}/invites`, 201, { body })
  return { network: String(network), code: String(code) }
}

/**
 * Returns the next change of the peer's metadata. Other changes may come first, because users and memberships were just
 * created.
 */
async function changeOf(id: string, peer: Peer): Promise<Change> {
  for await (const [change] of on(peer, 'change') as AsyncIterable<[Change]>)
    if (change.kind === 'metadata' && change.id === id) return change
  throw new Error('the peer was closed')
}
