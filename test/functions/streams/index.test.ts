import { ScanCommand } from '@aws-sdk/lib-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { indexChanges } from '../../../functions/streams/index.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { Meter, metered } from '../../../shared/store/meter.ts'
import type { TableName } from '../../../shared/store/tables.ts'
import { type IndexUnderTest, startIndex } from '../rest/index-under-test.ts'
import type { Enrolled } from '../rest/society.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
})
afterAll(() => index.close())
afterEach(() => vi.restoreAllMocks())

let sequence = 0
function record(table: TableName, keys: Record<string, string>): DynamoDBRecord {
  const Keys = Object.fromEntries(Object.entries(keys).map(([name, S]) => [name, { S }]))
  const SequenceNumber = String(++sequence).padStart(21, '0')
  return {
    eventSourceARN: `arn:aws:dynamodb:here:000000000000:table/${table}/stream/2026`,
    dynamodb: { Keys, SequenceNumber },
  }
}

/** Returns the current index entries of a record. */
async function entriesOf(id: string): Promise<string[]> {
  const { Items = [] } = await index.client.send(
    new ScanCommand({ TableName: 'SearchTerms', ConsistentRead: true }),
  )
  return Items.filter(({ term, entry }) => !term.startsWith('=') && entry.endsWith(`\u0001${id}`))
    .filter(({ until }) => until === undefined)
    .map(({ term, entry }) => `${term} ${entry.split('\u0001')[0]}`)
    .sort()
}

async function presentPeer(): Promise<{ ann: Enrolled; network: NetworkId; changed: DynamoDBRecord }> {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' }, 'ann')
  await index.present(ann, { metadata: { level: 1 } })
  return { ann, network, changed: record('Presence', { peer: ann.peer }) }
}

/** Returns what the index holds for a peer in a network; undefined if it has no entry. */
async function saidIn(network: NetworkId, peer: string): Promise<unknown> {
  const { Items = [] } = await index.client.send(
    new ScanCommand({ TableName: 'SearchTerms', ConsistentRead: true }),
  )
  const found = Items.find(({ term, entry }) => term === `peer#${network}#~present` && entry.endsWith(peer))
  return found === undefined || found.until !== undefined ? undefined : JSON.parse(found.card)
}

const said = (ann: Enrolled, level: number) => ({
  user: [ann.user],
  status: ['online'],
  custom: [''],
  'metadata.level': [level],
})

test('a peer is entered under its networks and everything by what it is, and among those that are there', async () => {
  const { ann, network, changed } = await presentPeer()
  expect(await indexChanges([changed], index.client)).toEqual([])
  expect(await entriesOf(ann.peer)).toEqual([`peer#${network}#~present s${ann.user}`])
  expect(await saidIn(network, ann.peer)).toEqual(said(ann, 1))
  await indexChanges([record('Peers', { peer: ann.peer })], index.client)
  const terms = (scope: string) => [
    `peer#${scope}# `,
    `peer#${scope}#name sann's`,
    `peer#${scope}#user s${ann.user}`,
  ]
  const present = `peer#${network}#~present s${ann.user}`
  expect(await entriesOf(ann.peer)).toEqual([...terms('*'), ...terms(network), present].sort())
})

test('a change of presence writes one entry a network, and what it is stays as it was', async () => {
  const { ann, network, changed } = await presentPeer()
  await indexChanges([changed, record('Peers', { peer: ann.peer })], index.client)
  await index.present(ann, { status: 'busy', metadata: { level: 2 }, version: 2, networks: [network] })
  const meter = new Meter()
  const [reads, writes]: [string[], string[]] = [[], []]
  const counting = metered(index.client, meter)
  const client = {
    send: (command: { constructor: { name: string }; input: { TableName?: string } }) => {
      const isRead = /^(Get|BatchGet|Query)/.test(command.constructor.name)
      if (isRead) reads.push(command.input.TableName ?? '')
      else writes.push(command.constructor.name)
      return counting.send(command as never)
    },
  } as unknown as typeof index.client
  await indexChanges([record('Presence', { peer: ann.peer })], client)
  expect(writes).toEqual(['PutCommand'])
  expect(reads).toEqual(['Collections', 'Presence', 'Users'])
  expect(await saidIn(network, ann.peer)).toEqual({ ...said(ann, 2), status: ['busy'] })
})

test('declared searchable, what a peer says has an index too', async () => {
  const { ann, network, changed } = await presentPeer()
  const declare = (searchable: readonly string[]) =>
    index.call('PUT /v1/collections/peers', { as: index.admin, body: { searchable } })
  await declare(['metadata.level'])
  onTestFinished(async () => void (await declare([])))
  await indexChanges([changed], index.client)
  expect(await entriesOf(ann.peer)).toContain(`peer#${network}#metadata.level nbff0000000000000`)
})

test('a record that comes twice, late or after a newer one changes nothing', async () => {
  const { ann, network, changed } = await presentPeer()
  await indexChanges([changed, changed], index.client)
  await index.present(ann, { metadata: { level: 2 }, version: 2 })
  const newer = record('Presence', { peer: ann.peer })
  await indexChanges([newer], index.client)
  expect(await saidIn(network, ann.peer)).toEqual(said(ann, 2))
  await indexChanges([changed], index.client)
  await indexChanges([newer, changed, record('Peers', { peer: ann.peer })], index.client)
  const entries = await entriesOf(ann.peer)
  await indexChanges([record('Peers', { peer: ann.peer }), changed], index.client)
  expect(await entriesOf(ann.peer)).toEqual(entries)
  expect(await saidIn(network, ann.peer)).toEqual(said(ann, 2))
})

test('functions at work on one record at the same time agree on its last state', async () => {
  const { ann, network } = await presentPeer()
  const react = (table: TableName, keys: Record<string, string>) =>
    indexChanges([record(table, keys)], index.client)
  const reactions = []
  for (let level = 2; level < 8; level++) {
    await index.present(ann, { metadata: { level }, version: level })
    reactions.push(react('Presence', { peer: ann.peer }), react('Memberships', { network, user: ann.user }))
  }
  const outcomes = await Promise.all(reactions)
  // A change that lost too often to concurrent functions is delivered again.
  if (outcomes.flat().length > 0) await react('Presence', { peer: ann.peer })
  expect(await saidIn(network, ann.peer)).toEqual(said(ann, 7))
})

/** Returns a client that runs `act` before its first command of that name. */
function interrupted(name: string, act: () => Promise<unknown>): typeof index.client {
  let done = false
  const send = async (command: { constructor: { name: string } }) => {
    if (!done && command.constructor.name === name) {
      done = true
      await act()
    }
    return index.client.send(command as never)
  }
  return { send } as unknown as typeof index.client
}

test('a peer whose user leaves a network while its sign-in is entered is not entered there', async () => {
  const { ann, network, changed } = await presentPeer()
  const leave = async () => {
    await index.call(`DELETE /v1/networks/${network}/members/${ann.user}`, { as: ann.ticket })
    await indexChanges([record('Memberships', { network, user: ann.user })], index.client)
  }
  expect(await indexChanges([changed], interrupted('PutCommand', leave))).toEqual([])
  expect(await saidIn(network, ann.peer)).toBeUndefined()
})

test('a peer whose user joins again while its leaving is entered stays entered', async () => {
  const { ann, network, changed } = await presentPeer()
  const membership = record('Memberships', { network, user: ann.user })
  const door = `networks/${network}/members/${ann.user}`
  await indexChanges([changed], index.client)
  await index.call(`DELETE /v1/${door}`, { as: ann.ticket })
  const joinAgain = async () => {
    await index.call(`PUT /v1/${door}`, { as: index.admin, body: { role: 'member' } })
    await index.call(`PUT /v1/${door}`, { as: ann.ticket, body: {} })
    await indexChanges([membership], index.client)
  }
  expect(await indexChanges([membership], interrupted('DeleteCommand', joinAgain))).toEqual([])
  expect(await saidIn(network, ann.peer)).toEqual(said(ann, 1))
})

test('fault 7: a membership of a peer in 24 networks writes its presence in one of them', async () => {
  const networks = await Promise.all(Array.from({ length: 24 }, () => index.network()))
  const ann = await index.member(Object.fromEntries(networks.map((one) => [one, 'member' as const])), 'ann')
  await index.present(ann, { metadata: { level: 1 } })
  let puts = 0
  const send = (command: { constructor: { name: string } }) => {
    if (command.constructor.name === 'PutCommand') puts++
    return index.client.send(command as never)
  }
  const client = { send } as unknown as typeof index.client
  await indexChanges([record('Memberships', { network: networks[0]!, user: ann.user })], client)
  expect(puts).toBe(1)
  expect(await saidIn(networks[0]!, ann.peer)).toEqual(said(ann, 1))
})

test('whoever leaves a network is no longer entered there, with all peers', async () => {
  const { ann, network, changed } = await presentPeer()
  await indexChanges([changed, record('Users', { user: ann.user })], index.client)
  await index.call(`DELETE /v1/networks/${network}/members/${ann.user}`, { as: ann.ticket })
  await indexChanges([record('Memberships', { network, user: ann.user })], index.client)
  const entries = [...(await entriesOf(ann.peer)), ...(await entriesOf(ann.user))]
  expect(entries.filter((entry) => entry.includes(network))).toEqual([])
  expect(entries.length).toBeGreaterThan(0)
})

test('of what is deleted nothing is kept, its manifest neither', async () => {
  const { ann, network, changed } = await presentPeer()
  const all = [record('Peers', { peer: ann.peer }), record('Users', { user: ann.user })]
  await indexChanges([changed, ...all], index.client)
  await index.call(`DELETE /v1/users/${ann.user}`, { as: index.admin })
  await indexChanges([...all, record('Memberships', { network, user: ann.user })], index.client)
  expect([...(await entriesOf(ann.peer)), ...(await entriesOf(ann.user))]).toEqual([])
  const { Items = [] } = await index.client.send(new ScanCommand({ TableName: 'SearchTerms' }))
  const left = Items.filter(
    ({ term, entry }) => `${term}${entry}`.includes(ann.peer) || entry.endsWith(ann.user),
  )
  expect(left).toEqual([])
})

test('the presence of an erased peer goes when its session has ended', async () => {
  const { ann } = await presentPeer()
  await index.call(`DELETE /v1/users/${ann.user}`, { as: index.admin })
  const presence = async () => {
    const scan = new ScanCommand({ TableName: 'Presence', ConsistentRead: true })
    return ((await index.client.send(scan)).Items ?? []).filter(({ peer }) => peer === ann.peer)
  }
  await indexChanges([record('Presence', { peer: ann.peer })], index.client)
  expect(await presence()).toHaveLength(1)
  await index.present(ann, { status: 'offline', node: undefined as never })
  await indexChanges([record('Presence', { peer: ann.peer })], index.client)
  expect(await presence()).toEqual([])
})

test('what fails comes again alone, the rest is done', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue()
  const { ann, changed } = await presentPeer()
  const broken = record('Objects', { collection: '', id: 'x' })
  expect(await indexChanges([broken, changed], index.client)).toEqual([
    { itemIdentifier: broken.dynamodb!.SequenceNumber },
  ])
  expect(log).toHaveBeenCalledOnce()
  expect(await entriesOf(ann.peer)).not.toEqual([])
})

test('the handler answers in the form of a partial batch response', async () => {
  const { changed } = await presentPeer()
  expect(await index.handler({ Records: [changed] }, {} as never)).toEqual({ batchItemFailures: [] })
})
