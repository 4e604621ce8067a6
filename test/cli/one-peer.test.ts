/**
 * A home is one peer. While it is `up`, every other command with that home uses the same peer, through the socket of the
 * home.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDoor, socketPath } from '../../cli/daemon/door.ts'
import { startSystem } from '../../local/system.ts'
import { Records } from '../../serve/records.ts'
import { Commands, type Running } from './commands.ts'

/** Time limits: the search index follows a change within about a second, and a command takes time. */
const PATIENCE = { timeout: 30_000 }

const system = await startSystem({ freePorts: true })
const folder = mkdtempSync(join(tmpdir(), 'straightway-one-peer-'))
const commands = new Commands({ STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite })
const home = (name: string) => ['--home', join(folder, name)]
const [ann, ben] = [home('ann'), home('ben')]
let annUp: Running
let benUp: Running
let annId: string
let benId: string

beforeAll(async () => {
  annUp = commands.start('up', '--name', 'Ann', ...ann)
  benUp = commands.start('up', '--name', 'Ben', '--receive', join(folder, 'bens'), ...ben)
  annId = (await annUp.heard('online')).peer as string
  benId = (await benUp.heard('online')).peer as string
})

afterAll(async () => {
  await Promise.all([annUp.ended('SIGTERM'), benUp.ended('SIGTERM')])
  await system.close()
  rmSync(folder, { recursive: true })
})

describe('while a home is up', () => {
  test('whoami, networks and members say so of its peer, and nobody else comes online', async () => {
    const { peer, user, name, up } = await commands.json('whoami', ...ann)
    expect({ peer, name, up }).toEqual({ peer: annId, name: 'Ann', up: true })
    expect(await commands.json('networks', ...ann)).toEqual([
      { network: system.network, name: 'first', role: 'member' },
    ])
    const members = await commands.json<{ user: string }[]>('members', ...ann)
    expect(members).toContainEqual(
      expect.objectContaining({ user, name: 'Ann', presence: expect.objectContaining({ peer: annId }) }),
    )
    expect(members).toHaveLength(2)
  })

  test('a message comes from it, and goes to a name', async () => {
    await expect
      .poll(() => commands.json('find', 'ben', ...ann), PATIENCE)
      .toMatchObject([{ peer: benId, name: 'Ben' }])
    expect(await commands.json('message', 'Ben', 'hello', ...ann)).toEqual({
      to: benId,
      outcome: 'delivered',
      name: 'Ben',
    })
    expect(await benUp.heard('message')).toMatchObject({ from: annId, name: 'Ann', text: 'hello' })
  })

  test('ping opens a tunnel of it, which is direct', async () => {
    const report = await commands.json('ping', 'Ben', '--count', '3', ...ann)
    expect(report).toMatchObject({ peer: benId, path: 'direct', sent: 3, lost: 0 })
    expect(await benUp.heard('offer', { intent: 'straightway/ping' })).toMatchObject({
      from: annId,
      name: 'Ann',
    })
    await benUp.heard('closed', { end: 'closedByOther' })
  })

  test('send sends a folder through it, and stdin', async () => {
    mkdirSync(join(folder, 'trip/day one'), { recursive: true })
    const map = randomBytes(1_500_000)
    writeFileSync(join(folder, 'trip/day one/map.png'), map)
    writeFileSync(join(folder, 'trip/notes.txt'), 'sunny')
    const sent = await commands.json('send', 'Ben', join(folder, 'trip'), ...ann)
    expect(sent).toMatchObject({ to: benId, bytes: 1_500_005, sha256Equal: true })
    expect(readFileSync(join(folder, 'bens/trip/day one/map.png')).equals(map)).toBe(true)
    expect(await benUp.heard('file', { from: annId, name: 'trip/notes.txt' })).toMatchObject({ size: 5 })
    const piped = await commands.piped('from a pipe', 'send', 'Ben', '-', '--as', 'log.txt', ...ann)
    expect(piped.out).toMatch(/^log\.txt: 11 bytes, /)
    expect(readFileSync(join(folder, 'bens/log.txt'), 'utf8')).toBe('from a pipe')
  })

  test('receive takes what is for it, while `up` goes on with everything else', async () => {
    const receiving = commands.start('receive', '--dir', join(folder, 'anns'), ...ann)
    expect(await receiving.heard('online')).toMatchObject({ peer: annId })
    writeFileSync(join(folder, 'song'), 'la la')
    expect((await commands.run('ping', annId, '--count', '1', ...ben)).code).toBe(0)
    await commands.json('send', annId, join(folder, 'song'), ...ben)
    expect(await receiving.heard('file')).toMatchObject({ from: benId, name: 'song', bytes: 5 })
    expect(await receiving.ended()).toBe(0)
    expect(readFileSync(join(folder, 'anns/song'), 'utf8')).toBe('la la')
    const again = await commands.fails('send', annId, join(folder, 'song'), ...ben)
    expect(again).toEqual({ error: 'refused', detail: expect.stringContaining('not-served') })
  })

  test('forward forwards through its tunnel, and ends with it', async () => {
    const web = createServer((_, response) => response.end('page')).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const { port } = web.address() as AddressInfo
    const carl = commands.start('up', '--name', 'Carl', '--expose', `${port}`, ...home('carl'))
    const { peer } = await carl.heard('online')
    const forward = commands.start('forward', `${peer}:${port}`, ...ann)
    const { port: here } = await forward.heard('listening')
    expect(await (await fetch(`http://127.0.0.1:${here}/`)).text()).toBe('page')
    expect(await carl.heard('offer')).toMatchObject({ from: annId })
    expect(await forward.ended('SIGTERM')).toBe(0)
    await carl.heard('closed')
    expect(await carl.ended('SIGTERM')).toBe(0)
    web.close().closeAllConnections()
  })

  test('status shows and sets what others see, and logs tell what happened', async () => {
    const watching = commands.start('presence', '--watch', ...ben)
    await watching.heardAny({ peer: annId, status: 'online', name: 'Ann' })
    expect(await commands.json('status', 'busy', '--text', 'in a game', ...ann)).toMatchObject({
      up: true,
      peer: annId,
      status: 'busy',
      custom: 'in a game',
    })
    await watching.heardAny({ peer: annId, status: 'busy', custom: 'in a game', name: 'Ann' })
    expect(await watching.ended('SIGTERM')).toBe(0)
    const { out } = await commands.run('logs', '--lines', '1000', ...ben)
    expect(out).toMatch(new RegExp(`Z {2}Ann \\(${annId.slice(0, 12)}\\): hello$`, 'm'))
  })

  test('a second `up` says that it is up, and other options than those of the first are refused', async () => {
    const taken = { error: 'conflict', detail: expect.stringMatching(/up already, in use by process \d+: /) }
    expect(await commands.fails('up', ...ann)).toEqual(taken)
    const elsewhere = await commands.fails('find', '--index', 'http://127.0.0.1:9', ...ann)
    expect(elsewhere).toMatchObject({ error: 'conflict', detail: expect.stringContaining(system.index) })
    expect(await commands.fails('find', '--no-udp', ...ann)).toMatchObject({ error: 'conflict' })
  })
})

describe('the door of a home', () => {
  test('is for its owner alone', async () => {
    const path = join(folder, 'ann')
    const door = readDoor(path)!
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(door.socket).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, 'door.json')).mode & 0o777).toBe(0o600)
    expect(socketPath(path, 'win32')).toMatch(/^\\\\\.\\pipe\\straightway-[0-9a-f]{32}$/)
  })

  test.each([
    ['without the token', { protocol: 1, token: 'x'.repeat(64), open: 'control' }, 'forbidden'],
    ['in another version', { protocol: 99, token: '', open: 'control' }, 'conflict'],
    ['without a word', {}, 'conflict'],
  ])('stays shut %s', async (_, hello, error) => {
    const records = new Records(connect(readDoor(join(folder, 'ann'))!.socket))
    await records.value(hello)
    expect(await records.next()).toMatchObject({ value: { error, protocol: 1 } })
    expect(await records.next()).toBeUndefined()
  })

  test('opens no way to anything but calls', async () => {
    const door = readDoor(join(folder, 'ann'))!
    const records = new Records(connect(door.socket))
    await records.value({ protocol: 1, token: door.token, open: 'control' })
    expect(await records.next()).toMatchObject({ value: { ok: true, peer: annId } })
    for (const [call, args] of [
      ['constructor', []],
      ['index', [['constructor', 'constructor'], ['return 1']]],
      ['index', [['peers', '__proto__', 'toString'], []]],
      ['dance', []],
    ]) {
      await records.value({ id: 1, call, args })
      expect(await records.next()).toMatchObject({ value: { id: 1, error: 'bad-request' } })
    }
    records.stream.destroy()
  })

  test('that was left by a process that was killed keeps nobody out', async () => {
    const killed = commands.start('up', ...home('dora'))
    const { peer } = await killed.heard('online')
    await killed.ended('SIGKILL')
    expect(existsSync(join(folder, 'dora/door.json'))).toBe(true)
    expect(await commands.json('whoami', ...home('dora'))).toMatchObject({ peer, up: false })
    const again = commands.start('up', ...home('dora'))
    expect(await again.heard('online')).toMatchObject({ peer })
    expect(await again.ended('SIGTERM')).toBe(0)
  })

  test('is found although the home has a path that no socket can have', async () => {
    const deep = ['--home', join(folder, 'd'.repeat(120))]
    const up = commands.start('up', ...deep)
    const { peer } = await up.heard('online')
    expect(await commands.json('whoami', ...deep)).toMatchObject({ peer, up: true })
    expect(await up.ended('SIGTERM')).toBe(0)
  })
})

describe('`up --detach`', () => {
  test('goes on by itself, and `down` ends it', async () => {
    const { peer, pid } = await commands.json('up', '--detach', ...home('emil'))
    expect(await commands.json('status', ...home('emil'))).toMatchObject({ up: true, peer, pid })
    expect(await commands.json('down', ...home('emil'))).toEqual({ down: true, pid })
    expect(await commands.json('status', ...home('emil'))).toEqual({ up: false })
    expect(await commands.json('down', ...home('emil'))).toEqual({ down: false })
  })

  test('that cannot start says why', async () => {
    const failed = await commands.fails('up', '--detach', '--index', 'http://127.0.0.1:9', ...home('fritz'))
    expect(failed.detail).toContain('does not answer')
  })
})

test('two verbs of one home that is not up take turns', async () => {
  const both = await Promise.all([1, 2].map(() => commands.json('whoami', ...home('gina'))))
  expect(both[0]).toEqual(both[1])
})

describe('names', () => {
  test('that mean two are refused, and the letters of the keys tell them apart', async () => {
    const twins = await Promise.all(
      ['one', 'two'].map((which) => commands.json('whoami', '--name', 'Twin', ...home(which))),
    )
    const [first, second] = twins.map(({ peer }) => peer as string)
    await expect.poll(() => commands.json('find', 'Twin', ...ann), PATIENCE).toHaveLength(2)
    const refused = await commands.fails('message', 'Twin', 'which?', ...ann)
    expect(refused.error).toBe('bad-request')
    for (const peer of twins) expect(refused.detail).toContain(`Twin (${`${peer.peer}`.slice(0, 12)})`)
    const to = await commands.json('message', first!.slice(0, 12), 'you', ...ann)
    expect(to).toEqual({ to: first, outcome: 'stored', name: 'Twin' })
    expect(first).not.toBe(second)
    const nobody = await commands.fails('message', 'Nobody', 'hm', ...ann)
    expect(nobody).toEqual({ error: 'unknown-peer', detail: expect.stringContaining('called Nobody') })
  })

  test('bring people together: a network is made, somebody invited, blocked, let in again, and leaves', async () => {
    const { network } = await commands.json('networks', '--create', 'Chess club', ...ann)
    const { code } = await commands.json('invite', 'chess club', '--uses', '2', '--valid', '1h', ...ann)
    const guest = ['--invite', `${code}`, ...home('guest')]
    expect(await commands.json('whoami', '--name', 'Guest', ...guest)).toMatchObject({ networks: [network] })
    await expect.poll(() => commands.json('find', 'Guest', ...ann), PATIENCE).toHaveLength(1)
    expect(await commands.json('block', 'Guest', ...ann)).toMatchObject({ on: true })
    const blocked = (await commands.json<string[]>('block', ...ann)) as string[]
    expect(blocked).toEqual([expect.stringMatching(/^u_/)])
    // A blocked peer cannot distinguish being blocked from the other peer being offline.
    const sent = await commands.json('message', annId, 'hello?', ...guest)
    expect(sent).toMatchObject({ outcome: 'stored' })
    expect(await commands.json('unblock', 'Guest', ...ann)).toMatchObject({ on: false })
    expect(await commands.json('leave', 'Chess club', ...guest)).toEqual({
      left: network,
      name: 'Chess club',
    })
    expect(await commands.json('networks', ...guest)).toEqual([])
    const device = await commands.json('invite', 'first', '--device', ...ann)
    const tablet = await commands.json('whoami', '--invite', `${device.code}`, ...home('tablet'))
    expect(tablet.user).toBe((await commands.json('whoami', ...ann)).user)
  })
})
