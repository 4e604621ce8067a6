/**
 * Sends a canary as a message, as the intent of an offer and as the reason of a refusal, and searches for it wherever others
 * than the two peers could find it: tables, requests to them, pushes, datagrams, logs, memory and heap snapshots of nodes.
 * In each of these places, something that is not secret is found by the same search.
 */
import dgram from 'node:dgram'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { format } from 'node:util'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test, vi } from 'vitest'
import { createAdminClient, type JoinOptions, join, type Peer } from '../../peer/index.ts'
import { LIMITS } from '../../shared/limits.ts'
import { createClient, tableName } from '../../shared/store/client.ts'
import { buildStage, signal, type Wire } from '../torture/stage/stage.ts'
import { formsIn, formsOf } from './canaries.ts'
import { formsInMemory } from './process-memory.ts'
import { heard } from './system-under-test.ts'

const folder = mkdtempSync(pathOf(tmpdir(), 'straightway-canary-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
process.env.NODE_OPTIONS = `--heapsnapshot-signal=SIGHUP --diagnostic-dir=${folder}`
const said: string[] = []
/** INDEX and the functions of the gateway and the streams run here, and log to the console. */
for (const level of ['log', 'info', 'warn', 'error'] as const)
  vi.spyOn(console, level).mockImplementation((...words) => void said.push(format(...words)))
const passed: Record<Wire, Buffer[]> = { peers: [], nodes: [], pushes: [], tables: [] }
const stage = await buildStage({
  ...{ nodes: 2, groups: 1, seed: 1, folder },
  log: (line) => said.push(line),
  tap: (wire, bytes) => passed[wire].push(Buffer.from(bytes)),
})
const client = createClient({ endpoint: stage.dynamodb })
const admin = createAdminClient({ index: stage.index, key: stage.adminKey })
const peers: Peer[] = []
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()))
  client.destroy()
  await stage.close()
})

/** Every secret text contains this, and nothing else does. */
const canary = `nightingale-${process.pid}-${Date.now().toString(36)}`
const secret = (what: string, bytes: number) => `${what} ${canary} `.padEnd(bytes, '.')
const [live, away] = [secret('live', LIMITS.messageBytes), secret('away', LIMITS.messageBytes)]
const [intent, reason] = [secret('intent', LIMITS.intentBytes), secret('reason', LIMITS.reasonBytes)]
/** A status is public to the network. */
const custom = `sparrow-${process.pid}-${Date.now().toString(36)}`
const [sought, known] = [formsOf(canary), formsOf(custom)]

test('a message, an intent and a reason are found nowhere, and arrive', async () => {
  const { network } = await admin.createNetwork({ body: { name: 'aviary' } })
  const enter = async (given: Partial<JoinOptions> = {}): Promise<Peer> => {
    const { code } = await admin.createInvite({ network, body: {} })
    const peer = await join({ index: stage.indexes[0]!, invite: code, ...given })
    peers.push(peer)
    return peer
  }
  const ada = await enter()
  const ben = await elsewhere(ada, enter)
  const identity = new Uint8Array(32).fill(7)
  const absent = await enter({ identity })
  await absent.close()
  const shown = heard(ben, 'presence', (record) => record.custom === custom)
  ada.status('busy', { custom })
  await shown

  const arrived = heard(ben, 'message')
  expect(await ada.send(ben.peer, live)).toBe('delivered')
  expect((await arrived)[0].text).toBe(live)
  expect(await ada.send(absent.peer, away)).toBe('stored')
  const offered: (string | undefined)[] = []
  ben.on('offer', (offer) => {
    offered.push(offer.intent)
    offer.refuse(reason)
  })
  await expect(ada.connect(ben.peer, { intent })).rejects.toMatchObject({ code: 'refused', message: reason })
  expect(offered).toEqual([intent])

  const pids = stage.nodes.map(({ pid }) => pid)
  const inMemory = await searchMemory(pids)
  expect(inMemory).toEqual({ secret: [], known: ['UTF-8'] })
  const heaps: Buffer[] = []
  for (const pid of pids) heaps.push(await snapshot(pid))
  const tables = await allTables()
  const back = await enter({ identity })
  expect((await heard(back, 'message'))[0].text).toBe(away)

  await tellInClear()
  const places = { tables, heaps: Buffer.concat(heaps), logs: Buffer.from(said.join('\n')), ...wires() }
  const found = Object.entries(places).map(([place, bytes]) => ({
    place,
    secret: formsIn(bytes, sought),
    isSearched: formsIn(bytes, place === 'logs' ? formsOf('SIGKILL') : known).length > 0,
  }))
  expect(found).toEqual([
    { place: 'tables', secret: [], isSearched: true },
    { place: 'heaps', secret: [], isSearched: true },
    { place: 'logs', secret: [], isSearched: true },
    { place: 'peers', secret: [], isSearched: true },
    // Whatever nodes tell each other is sealed. The longest message passed here, though.
    { place: 'nodes', secret: [], isSearched: false },
    { place: 'pushes', secret: [], isSearched: true },
    { place: 'requests', secret: [], isSearched: true },
  ])
  for (const wire of ['peers', 'nodes'] as const)
    expect(Math.max(...passed[wire].map(({ length }) => length))).toBeGreaterThan(LIMITS.messageBytes)
})

const wires = () => ({
  peers: Buffer.concat(passed.peers),
  nodes: Buffer.concat(passed.nodes),
  pushes: Buffer.concat(passed.pushes),
  requests: Buffer.concat(passed.tables),
})

/**
 * Has the status pass where nothing is in clear otherwise: as a datagram of a stranger to a node. And has a node die,
 * as nodes log nothing otherwise.
 */
async function tellInClear(): Promise<void> {
  const stranger = dgram.createSocket('udp4')
  stranger.send(custom, stage.access[0]!.port, stage.access[0]!.host)
  await expect.poll(() => formsIn(Buffer.concat(passed.peers), known)).toEqual(['UTF-8'])
  stranger.close()
  signal(stage.nodes[0]!.pid, 'SIGKILL')
  await expect.poll(() => said.join()).toContain('SIGKILL')
}

/** Joins a peer at another node than this one, so that they meet through both. */
async function elsewhere(than: Peer, enter: () => Promise<Peer>): Promise<Peer> {
  for (;;) {
    const peer = await enter()
    if ((await nodeOf(peer)) !== (await nodeOf(than))) return peer
    await peer.close()
  }
}

async function nodeOf({ peer }: Peer): Promise<string> {
  let node: string | undefined
  await expect
    .poll(async () => {
      const key = { TableName: tableName('Presence'), Key: { peer } }
      node = (await client.send(new GetCommand(key))).Item?.node
      return node
    })
    .toBeDefined()
  return node!
}

/** The forms of the secret and of the status that are in the memory of any of these processes. */
async function searchMemory(pids: readonly number[]) {
  const found = new Set<string>()
  for (const pid of pids)
    for (const name of await formsInMemory(pid, new Map([...of('secret', sought), ...of('known', known)])))
      found.add(name)
  const named = (what: string) =>
    [...found].flatMap((name) => (name.startsWith(what) ? [name.slice(what.length + 1)] : []))
  return { secret: named('secret'), known: named('known') }
}

const of = (what: string, forms: ReadonlyMap<string, Buffer>): [string, Buffer][] =>
  [...forms].map(([name, form]) => [`${what} ${name}`, form])

/** Returns the content of all tables. */
async function allTables(): Promise<Buffer> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}))
  const items: Buffer[] = []
  for (const TableName of TableNames)
    for await (const { Items = [] } of paginateScan({ client }, { TableName }))
      for (const item of Items) items.push(Buffer.from(JSON.stringify(item)), ...binariesOf(item))
  return Buffer.concat(items)
}

const binariesOf = (item: Record<string, unknown>): Buffer[] =>
  Object.values(item).flatMap((value) => (value instanceof Uint8Array ? [Buffer.from(value)] : []))

/** Makes a node write a snapshot of its heap, and returns it. */
async function snapshot(pid: number): Promise<Buffer> {
  signal(pid, 'SIGHUP')
  let bytes = Buffer.alloc(0)
  await expect
    .poll(() => {
      const name = readdirSync(folder).find(
        (each) => each.endsWith('.heapsnapshot') && each.includes(`.${pid}.`),
      )
      if (name !== undefined) bytes = readFileSync(pathOf(folder, name))
      return bytes.subarray(-3).toString().trim()
    })
    .toMatch(/\}$/)
  return bytes
}
