/** Each verb on a running system: Alice is `up`, and Bob's commands address her. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSystem } from '../../local/system.ts'
import { join as joinPeer } from '../../peer/index.ts'
import { Commands, type Running } from './commands.ts'

const PAGE = `<h1>Behind Alice</h1>${'.'.repeat(50_000)}`
const PATIENCE = { timeout: 60_000 }

const system = await startSystem({ freePorts: true })
const folder = mkdtempSync(join(tmpdir(), 'straightway-verbs-'))
const web = createServer((_, response) => response.end(PAGE)).listen(0, '127.0.0.1')
await once(web, 'listening')
const { port: webPort } = web.address() as AddressInfo
const commands = new Commands({ STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite })
const home = (name: string) => ['--home', join(folder, name)]
const bob = home('bob')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
let up: Running
let alice: string

beforeAll(async () => {
  const serving = ['--receive', join(folder, 'inbox'), '--expose', `${webPort}`]
  up = commands.start('up', '--metadata', '{"game":"chess"}', '--name', 'Alice', ...serving, ...home('alice'))
  const online = await up.heard('online')
  expect(online).toMatchObject({ networks: [system.network], user: expect.stringMatching(/^u_/) })
  alice = online.peer as string
})

afterAll(async () => {
  web.close().closeAllConnections()
  expect(await up.ended('SIGTERM')).toBe(0)
  await system.close()
  rmSync(folder, { recursive: true })
})

/** Makes a file of random bytes. Returns its path and content. */
function fileOf(bytes: number, name: string) {
  const content = randomBytes(bytes)
  const path = join(folder, name)
  writeFileSync(path, content)
  return { path, name, sha256: sha256(content) }
}

test('find finds by metadata, for people and for programs, and says where there is nobody', async () => {
  const filter = 'status eq "online" and metadata.game eq "chess"'
  await expect.poll(() => commands.json('find', filter, ...bob), PATIENCE).toHaveLength(1)
  const { out } = await commands.run('find', filter, ...bob)
  expect(out).toMatch(new RegExp(`^${alice}  online .*"game":"chess"`))
  expect(await commands.run('find', 'metadata.game eq "go"', ...bob)).toEqual({
    code: 0,
    out: '',
    err: 'nobody\n',
  })
})

test('message is delivered to who is up, and stored for who is not', async () => {
  const delivered = await commands.json('message', alice, 'are you there?', ...bob)
  expect(delivered).toEqual({ to: alice, outcome: 'delivered', name: 'Alice' })
  const heard = await up.heard('message')
  expect(heard).toMatchObject({ text: 'are you there?', from: expect.stringMatching(/^[a-z2-7]{52}$/) })
  const { out } = await commands.run('message', heard.from as string, 'yes', ...home('carol'))
  expect(out).toBe('stored\n')
})

test('ping measures a direct tunnel, and says why a relayed one is not direct', async () => {
  const direct = await commands.json('ping', alice, '--count', '3', '--size', '1000', ...bob)
  expect(direct).toMatchObject({ peer: alice, path: 'direct', sent: 3, lost: 0 })
  expect(direct.directMs).toBeGreaterThanOrEqual(direct.firstByteMs as number)
  expect(await up.heard('offer')).toMatchObject({ intent: 'straightway/ping', accepted: true })
  await up.heard('path', { path: 'direct' })
  await up.heard('closed', { end: 'closedByOther' })
  const { code, out } = await commands.run('ping', alice, '--count', '2', '--paths', 'relay-only', ...bob)
  expect(code).toBe(0)
  expect(out).toMatch(
    /^relayed, first byte after \d+ ms\n2 sent, 0 lost, round trip .*\nnot direct: policy\. /m,
  )
  const carried = await commands.run('ping', alice, '--count', '2', '--no-udp', ...bob)
  expect(carried.out).toMatch(/^relayed, .*\n2 sent, 0 lost, round trip .*\nnot direct: udp-blocked\. /m)
})

describe('a file', () => {
  test('arrives whole at a peer that is up', async () => {
    const photo = fileOf(3_000_000, 'photo.jpg')
    const sent = await commands.json('send', alice, photo.path, ...bob)
    const facts = { name: photo.name, sha256: photo.sha256 }
    expect(sent).toMatchObject({ ...facts, to: alice, bytes: 3_000_000, sha256Equal: true })
    const { path } = await up.heard('file', facts)
    expect(sha256(readFileSync(path as string))).toBe(photo.sha256)
  })

  test('arrives whole at one that waits for it, which then ends', async () => {
    const song = fileOf(500_000, 'song.ogg')
    const receiving = commands.start('receive', '--dir', join(folder, 'music'), ...home('carol'))
    const { peer } = await receiving.heard('online')
    const { out, code } = await commands.run(
      'send',
      peer as string,
      song.path,
      '--paths',
      'relay-only',
      ...bob,
    )
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^song\.ogg: 500000 bytes, relayed, .* SHA-256 equal\n$/),
    ])
    const { path, ...file } = await receiving.heard('file')
    expect(file).toMatchObject({ name: song.name, bytes: 500_000, sha256: song.sha256, sha256Equal: true })
    expect(sha256(readFileSync(path as string))).toBe(song.sha256)
    expect(await receiving.ended()).toBe(0)
  })
})

test('forward makes a web server of another machine appear here, and ends though a connection is open', async () => {
  const forward = commands.start('forward', `${alice}:${webPort}`, ...bob)
  const { port } = await forward.heard('listening', { peer: alice, remotePort: webPort })
  const pages = await Promise.all([1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/`)))
  for (const page of pages) expect(await page.text()).toBe(PAGE)
  expect(await forward.ended('SIGTERM')).toBe(0)
})

test('doctor says that nothing stands between, for people and for programs', async () => {
  const found = await commands.json('doctor', ...bob)
  expect(found).toMatchObject({
    index: { url: system.index, reachable: true },
    udp: 'works',
    nat: 'none',
    advice: [],
  })
  expect(found).toMatchObject({ mapping: 'independent', filtering: 'independent' })
  const { out } = await commands.run('doctor', ...bob)
  expect(out).toMatch(/^INDEX +http.*: answers\n.*^UDP +works\n^NAT +none\n/ms)
  for (const { node } of [...system.nodes, ...system.relays]) expect(out).toMatch(new RegExp(`${node} 127`))
})

test('up refuses whom it is told to, leaves at once, and is told of by others', async () => {
  const dan = commands.start('up', '--accept', 'none', ...home('dan'))
  const { peer } = await dan.heard('online')
  await up.heard('presence', { peer, status: 'online' })
  const refused = await commands.fails('ping', peer as string, ...bob)
  expect(refused).toEqual({ error: 'refused', detail: expect.stringContaining('not-allowed') })
  expect(await dan.heard('offer')).toMatchObject({ refused: 'not-allowed', intent: 'straightway/ping' })
  const code = dan.ended('SIGTERM')
  await dan.heard('left')
  expect(await code).toBe(0)
  await up.heard('presence', { peer, status: 'offline' })
  const away = await commands.fails('ping', peer as string, ...bob)
  expect(away).toEqual({ error: 'peer-offline', detail: expect.stringContaining('send it a message') })
})

describe('a command that cannot be done exits with 1 and says what to do', () => {
  test('where the home is in use by something that is not `up`', async () => {
    const holder = await joinPeer({
      index: system.index,
      invite: system.invite,
      home: join(folder, 'held'),
    })
    const detail = expect.stringMatching(/in use by process \d+: stop it/)
    expect(await commands.fails('find', ...home('held'))).toEqual({ error: 'conflict', detail })
    await holder.close()
  })

  test('where the invite is none', async () => {
    const { error, detail } = await commands.fails('find', '--invite', 'aaaa-aaaa-aaaa-aaaa', ...home('eve'))
    expect([error, detail]).toEqual(['not-found', expect.stringContaining('invite')])
  })

  test('where the filter is none', async () => {
    expect(await commands.fails('find', 'status ==', ...bob)).toMatchObject({ error: 'bad-request' })
  })
})
