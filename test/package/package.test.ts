/**
 * The packed SDK, installed into an empty folder as a user does, on each supported Node: an application of two peers,
 * `require`, and every verb of the command line. The system that they use is that of this checkout.
 */
import { execFile, execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import { Commands, type Running } from '../cli/commands.ts'
import { pack } from '../package-under-test.ts'
import { NODES, nodeBinary } from './nodes.ts'

const folder = mkdtempSync(join(tmpdir(), 'straightway-stranger-'))
const launcher = join(folder, 'node_modules/straightway/cli/straightway.js')
let system: System

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
  const { archive } = pack('straightway', folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  execFileSync('npm', ['install', '--no-save', '--omit=peer', archive], { cwd: folder, stdio: 'pipe' })
  copyFileSync(join(import.meta.dirname, 'two-peers.js'), join(folder, 'two-peers.js'))
})
afterAll(async () => {
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the oldest Node that is tested is the oldest that package.json promises', () => {
  const { engines } = JSON.parse(readFileSync(join(folder, 'node_modules/straightway/package.json'), 'utf8'))
  expect(engines.node).toBe(`>=${NODES[0].replace(/\.0$/, '')}`)
})

describe.each(NODES)('on Node %s', (version) => {
  let node: string
  beforeAll(() => {
    node = nodeBinary(version)
  })
  const run = async (...args: string[]) =>
    (await promisify(execFile)(node, args, { cwd: folder, timeout: 60_000 })).stdout

  test('two peers join, write, connect, and open a stream', async () => {
    expect(JSON.parse(await run('two-peers.js', system.index, system.invite))).toEqual({
      message: 'hello delivered',
      datagram: 'echo datagram',
      stream: 'shout: stream',
    })
  })

  test('require works, or says what to do instead', async () => {
    const script = `
      try { console.log(typeof require('straightway').join) }
      catch ({ code, message }) { console.log(code, message) }`
    const said = await run('--no-warnings', '--input-type=commonjs', '-e', script)
    const [major, minor] = (await run('--version')).slice(1).split('.').map(Number) as [number, number]
    if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19))
      expect(said).toBe('function\n')
    else expect(said).toMatch(/^ERR_REQUIRE_ESM straightway is an ES module.*await import\('straightway'\)/)
  })

  test('every verb does its work', () => everyVerb(node))
})

async function everyVerb(node: string): Promise<void> {
  const settings = { STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite }
  const commands = new Commands(settings, { node, launcher })
  const homes = mkdtempSync(join(folder, 'homes-'))
  const home = (name: string) => ['--home', join(homes, name)]
  const bob = home('bob')
  const web = createServer((_, response) => response.end('behind Alice')).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const { port } = web.address() as AddressInfo
  const inbox = join(homes, 'inbox')
  const serving = ['--receive', inbox, '--expose', `${port}`, '--metadata', '{"game":"chess"}']
  const up = commands.start('up', ...serving, ...home('alice'))
  onTestFinished(async () => {
    web.close().closeAllConnections()
    await up.ended('SIGTERM')
  })
  const alice = (await up.heard('online')).peer as string

  for (const verb of await verbsOf(commands))
    expect(await commands.run(verb, '--help')).toMatchObject({ code: 0, err: '' })
  await expect
    .poll(() => commands.json('find', 'metadata.game eq "chess"', ...bob), { timeout: 60_000 })
    .not.toEqual([])
  expect(await commands.json('message', alice, 'hello', ...bob)).toMatchObject({ outcome: 'delivered' })
  expect(await commands.json('ping', alice, '--count', '2', ...bob)).toMatchObject({ sent: 2, lost: 0 })
  expect((await commands.run('doctor', ...bob)).code).toBe(0)
  await sends(commands, up, [alice, inbox], bob)
  await receives(commands, [join(homes, 'music'), home('carol'), bob])
  await forwards(commands, `${alice}:${port}`, bob)
}

/** Returns the verbs that `--help` lists. */
async function verbsOf(commands: Commands): Promise<string[]> {
  const { out } = await commands.run('--help')
  const listed = out.slice(out.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)/gm)
  const verbs = [...listed].map(([, verb]) => verb!).filter((verb) => verb !== 'help')
  expect(verbs).toEqual(
    expect.arrayContaining(['up', 'find', 'message', 'ping', 'send', 'receive', 'forward', 'doctor']),
  )
  return verbs
}

function fileOf(bytes: number): { path: string; sha256: string } {
  const content = randomBytes(bytes)
  const path = join(folder, 'photo.jpg')
  writeFileSync(path, content)
  return { path, sha256: createHash('sha256').update(content).digest('hex') }
}

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

async function sends(commands: Commands, up: Running, [peer, inbox]: [string, string], own: string[]) {
  const photo = fileOf(300_000)
  expect(await commands.run('send', peer, photo.path, ...own)).toMatchObject({ code: 0 })
  await up.heard('file')
  expect(hashOf(join(inbox, 'photo.jpg'))).toBe(photo.sha256)
}

async function receives(commands: Commands, [folder, own, other]: [string, string[], string[]]) {
  const song = fileOf(100_000)
  const receiving = commands.start('receive', '--dir', folder, ...own)
  const { peer } = await receiving.heard('online')
  expect(await commands.run('send', peer as string, song.path, ...other)).toMatchObject({ code: 0 })
  expect(await receiving.ended()).toBe(0)
  expect(hashOf(join(folder, 'photo.jpg'))).toBe(song.sha256)
}

async function forwards(commands: Commands, to: string, own: string[]) {
  const forwarding = commands.start('forward', to, ...own)
  const { port } = await forwarding.heard('listening')
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('behind Alice')
  expect(await forwarding.ended('SIGTERM')).toBe(0)
}
