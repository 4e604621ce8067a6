/** The command line as it is typed, each command a process of its own, against the whole system. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'

const LAUNCHER = join(import.meta.dirname, '../../peer/cli/straightway.js')

let system: System
let directory: string
let alice: Running & { readonly peer: string }
const server = createServer((connection) => connection.pipe(connection))

interface Running {
  readonly child: ChildProcess
  readonly lines: Interface
  /** The next event of this name. */
  heard(event: string): Promise<Record<string, unknown>>
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'straightway-cli-'))
  system = await startSystem({ freePorts: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const up = start('up', '--receive', join(directory, 'inbox'), '--expose', `${port}`, ...home('alice'))
  alice = { ...up, peer: `${(await up.heard('online')).peer}` }
}, 60_000)

afterAll(async () => {
  alice.child.kill('SIGTERM')
  expect(await once(alice.child, 'exit')).toEqual([0, null])
  server.close()
  await system.close()
  await rm(directory, { recursive: true })
})

const home = (name: string): string[] => ['--home', join(directory, name), '--invite', system.invite]

function launch(args: readonly string[]): ChildProcess {
  const env = { ...process.env, STRAIGHTWAY_INDEX: system.index }
  return spawn(process.execPath, [LAUNCHER, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** A command that goes on, with its events as lines of JSON. */
function start(...args: string[]): Running {
  const child = launch([...args, '--json'])
  const lines = createInterface({ input: child.stdout! })
  const errors = text(child.stderr!)
  const heard = (event: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      child.once('exit', async () => reject(new Error(`it ended before ${event}: ${await errors}`)))
      const listen = (line: string) => {
        const value = JSON.parse(line)
        if (value.event !== event) return
        lines.off('line', listen)
        resolve(value)
      }
      lines.on('line', listen)
    })
  return { child, lines, heard }
}

/** A command that ends. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = launch(args)
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit'),
  ])
  return { code, out, err }
}

async function json(...args: string[]) {
  const { code, out, err } = await run(...args, '--json')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('straightway', () => {
  test('finds a peer that is up', async () => {
    const find = () => run('find', 'status eq "online"', ...home('bob'))
    await expect.poll(async () => (await find()).out, { timeout: 20_000 }).toContain(alice.peer)
  })

  test('sends a message to it', async () => {
    const heard = alice.heard('message')
    const { out } = await run('message', alice.peer, 'are you there?', ...home('bob'))
    expect(out).toMatch(/delivered|stored/)
    expect(await heard).toMatchObject({ text: 'are you there?' })
  })

  test('measures a tunnel to it', async () => {
    const report = await json('ping', alice.peer, '--count', '3', ...home('bob'))
    expect(report).toMatchObject({ peer: alice.peer, path: 'direct', sent: 3, lost: 0 })
    expect(report.rttMs.min).toBeLessThanOrEqual(report.rttMs.max)
    expect(report.directMs).toBeGreaterThanOrEqual(report.firstByteMs)
  })

  test('says why a tunnel is not direct', async () => {
    const { out, code } = await run(
      'ping',
      alice.peer,
      '--count',
      '1',
      '--paths',
      'relay-only',
      ...home('bob'),
    )
    expect(code).toBe(0)
    expect(out).toMatch(/relayed.*\n.*\nnot direct: policy\. /s)
  })

  test('sends it a file', async () => {
    const sent = randomBytes(3_000_000)
    await writeFile(join(directory, 'photo.jpg'), sent)
    await json('send', alice.peer, join(directory, 'photo.jpg'), ...home('bob'))
    expect((await readFile(join(directory, 'inbox', 'photo.jpg'))).equals(sent)).toBe(true)
  })

  test('forwards a port of it', async () => {
    const { port } = server.address() as AddressInfo
    const forward = start('forward', `${alice.peer}:${port}`, ...home('bob'))
    onTestFinished(async () => {
      forward.child.kill('SIGTERM')
      await once(forward.child, 'exit')
    })
    const listening = await forward.heard('listening')
    const connection = connect({ port: Number(listening.port), host: '127.0.0.1' })
    connection.end('through the tunnel')
    expect(await text(connection)).toBe('through the tunnel')
  })

  test('says what this network lets through', async () => {
    const { out, code } = await run('doctor', ...home('bob'))
    expect(code).toBe(0)
    expect(out).toMatch(/INDEX\s+http.*answers/)
    expect(out).toMatch(/UDP\s+works/)
  })
})

describe('a command that cannot be done', () => {
  test('exits with 1 and says what to do', async () => {
    const elsewhere = ['--home', join(directory, 'nobody')]
    const stranger = await run('find', 'status pr', ...elsewhere)
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringMatching(/give an invite/)])
    const taken = await run('find', 'status pr', ...home('alice'))
    expect([taken.code, taken.err]).toEqual([1, expect.stringMatching(/in use by process \d+/)])
    const failed = await run('find', 'status ==', '--json', ...home('bob'))
    expect([failed.code, JSON.parse(failed.out)]).toEqual([
      1,
      expect.objectContaining({ error: 'bad-request' }),
    ])
  })

  test('exits with 2 where it was called wrongly', async () => {
    expect((await run('ping', 'nobody', ...home('bob'))).code).toBe(2)
    expect((await run('dance')).code).toBe(2)
    expect((await run('ping', alice.peer, '--paths', 'sideways', ...home('bob'))).code).toBe(2)
  })

  test('is explained by --help', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    for (const verb of ['up', 'find', 'message', 'ping', 'send', 'receive', 'forward', 'doctor'])
      expect(out).toContain(verb)
  })
})
