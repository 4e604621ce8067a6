/** The five applications of examples/ and the six lines of the README. Each side is a process of its own. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import { join as joinPeer } from '../../peer/index.ts'
import { Program } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'straightway-examples-'))
let system: System

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
})
afterAll(async () => {
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
})

function start(file: string, ...args: string[]): Program {
  const settings = { STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite }
  const program = new Program(file, args, settings)
  onTestFinished(() => void program.ends('SIGKILL'))
  return program
}
const example = (name: string, ...args: string[]) => start(`examples/${name}.js`, ...args)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('chat: who is here is seen, a line reaches everybody, and who leaves is missed', async () => {
  const ada = example('chat', 'Ada')
  await ada.says(/you are Ada/)
  const ben = example('chat', 'Ben')
  await ben.says(/\+ Ada is here/)
  await ada.says(/\+ Ben is here/)
  ben.type('hello everybody\n')
  await ada.says(/^Ben: hello everybody$/m)
  ada.type('hello Ben\n')
  await ben.says(/^Ada: hello Ben$/m)
  ben.hangUp()
  expect(await ben.ends()).toBe(0)
  await ada.says(/^- Ben left$/m)
  expect(await ada.ends('SIGTERM')).toBe(0)
})

test('lobby: the second finds the first, positions and results cross, and both name the same winner', async () => {
  const ada = example('lobby', 'Ada', '--auto')
  await ada.says(/waiting for somebody/)
  const ben = example('lobby', 'Ben', '--auto')
  await ben.says(/joining Ada/)
  const winners = await Promise.all([ada, ben].map((player) => player.says(/^(\w+) wins: /m)))
  expect(winners[0]![1]).toBe(winners[1]![1])
  for (const player of [ada, ben]) expect(player.said).toMatch(/>+ +\| >+/)
  expect([await ada.ends(), await ben.ends()]).toEqual([0, 0])
})

test('file drop: a file comes through whole, and the drop is found by its name', async () => {
  const file = join(folder, 'holiday.jpg')
  writeFileSync(file, randomBytes(2_000_000))
  const drop = example('file-drop', 'receive', join(folder, 'in'), 'attic')
  await drop.says(/drop "attic" is open/)
  const sender = example('file-drop', 'send', file, 'attic')
  await sender.says(/^sent 2000000 bytes, (direct|relayed)$/m)
  expect(await sender.ends()).toBe(0)
  await drop.says(/^received holiday\.jpg: 2000000 bytes$/m)
  expect(sha256(readFileSync(join(folder, 'in/holiday.jpg')))).toBe(sha256(readFileSync(file)))
})

test('HTTP tunnel: a request and its answer cross a stream', async () => {
  const server = example('http-tunnel', 'serve', 'cellar')
  await server.says(/serving "cellar"/)
  const reader = example('http-tunnel', 'get', 'cellar', '/wine?year=1978')
  await reader.says(/^200 GET \/wine\?year=1978 from cellar$/m)
  expect(await reader.ends()).toBe(0)
})

test('remote shell: a peer that is named has a shell, another one is refused', async () => {
  const ids = example('shell', 'id', join(folder, 'guest'))
  const [guest] = await ids.says(/^[a-z2-7]{52}$/m)
  expect(await ids.ends()).toBe(0)
  const server = example('shell', 'serve', 'garage', guest)
  await server.says(/a shell of "garage" for 1 peers/)
  const session = example('shell', 'open', 'garage', join(folder, 'guest'))
  session.type('echo $((6 * 7))\n')
  await session.says(/^42$/m)
  session.type('cat no-such-file; exit\n')
  await session.says(/no-such-file/)
  session.hangUp()
  expect(await session.ends()).toBe(0)
  const stranger = example('shell', 'open', 'garage', join(folder, 'stranger'))
  await stranger.says(/not-allowed/)
  expect(await stranger.ends()).not.toBe(0)
})

test('the six lines of the README work as they stand in two terminals', async () => {
  const [, block] = /^```ts\n(.*?)^```/ms.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!
  const lines = block!.split('\n').filter((line) => line.trim() !== '')
  expect(lines).toHaveLength(6)
  // The README has the address and the invite that `npm start` prints. Here they are replaced by those of a system with other
  // ports.
  const text = lines
    .join('\n')
    .replace('http://127.0.0.1:8787', system.index)
    .replace('INVITE', system.invite)
  const file = join(ROOT, 'examples', `.six-lines-${process.pid}.ts`)
  writeFileSync(file, text)
  onTestFinished(() => rmSync(file))
  const first = start(file)
  const watcher = await joinPeer({ index: system.index, invite: system.invite })
  onTestFinished(() => watcher.close())
  const online = () => watcher.find('metadata.game eq "chess" and status eq "online"')
  await expect.poll(online, { timeout: 30_000 }).toHaveLength(1)
  const second = start(file)
  await first.says(/^hello$/m)
  expect(await second.ends('SIGTERM')).not.toBe(1)
  await first.ends('SIGTERM')
})
