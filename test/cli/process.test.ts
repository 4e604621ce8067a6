/** The command line as a process: signals, pipes, killed parents and broken connections. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSystem } from '../../local/system.ts'
import { join as joinPeer, type Peer } from '../../peer/index.ts'
import { Commands } from './commands.ts'

const ROOT = join(import.meta.dirname, '../..')
const LAUNCHER = join(ROOT, 'cli/straightway.js')

const system = await startSystem({ freePorts: true })
const folder = mkdtempSync(join(tmpdir(), 'straightway-process-'))
const settings = { STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite }
const commands = new Commands(settings)
const home = (name: string) => ['--home', join(folder, name)]
let observer: Peer

beforeAll(async () => {
  observer = await joinPeer({ index: system.index, invite: system.invite, name: 'Observer' })
})

afterAll(async () => {
  await observer.close()
  await system.close()
  rmSync(folder, { recursive: true })
})

/** Resolves when others see the peer leave, which shows that it left in an orderly way. */
const goodbye = (peer: unknown) =>
  new Promise<void>((resolve) => {
    const hear = (record: { peer: string; status: string }) => {
      if (record.peer !== peer || record.status !== 'offline') return
      observer.off('presence', hear)
      resolve()
    }
    observer.on('presence', hear)
  })

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** A Node that cannot strip types. The launcher then starts another one. */
const older = execFileSync('sh', ['-c', 'which -a node || true'], { encoding: 'utf8' })
  .split('\n')
  .find(
    (path) =>
      path !== '' &&
      /^v(20|22\.([0-9]|1[0-7])\.)/.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout),
  )

describe.skipIf(older === undefined)('where the launcher starts another Node', () => {
  async function up(name: string): Promise<{ launcher: ChildProcess; peer: string; pid: number }> {
    const launcher = spawn(older!, [LAUNCHER, 'up', '--json', ...home(name)], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(launcher.stdout!.setEncoding('utf8'), 'data')) as [string]
    const { pid } = await commands.json<{ pid: number }>('status', ...home(name))
    return { launcher, peer: JSON.parse(line.split('\n')[0]!).peer, pid }
  }

  test.each(['SIGTERM', 'SIGINT'] as const)('%s reaches the peer, which says goodbye', async (signal) => {
    const { launcher, peer, pid } = await up(signal)
    const gone = goodbye(peer)
    launcher.kill(signal)
    expect(await once(launcher, 'exit')).toEqual([0, null])
    await gone
    expect(isAlive(pid)).toBe(false)
  })

  test('a launcher that is killed leaves nobody online', async () => {
    const { launcher, peer, pid } = await up('killed')
    const gone = goodbye(peer)
    launcher.kill('SIGKILL')
    await gone
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
  })

  test('the code with which it ends is told', () => {
    expect(spawnSync(older!, [LAUNCHER, 'dance'], { stdio: 'ignore' }).status).toBe(2)
    expect(spawnSync(older!, [LAUNCHER, '--help'], { stdio: 'ignore' }).status).toBe(0)
  })
})

describe('under npm', () => {
  /** Starts a program through a shell, as npm and npx do. */
  async function started(command: string) {
    const runner = spawn('sh', ['-c', `${command}; exit $?`], {
      env: { ...process.env, ...settings, npm_command: 'exec' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(runner.stdout!.setEncoding('utf8'), 'data')) as [string]
    const child = Number(
      execFileSync('pgrep', ['-P', `${runner.pid}`], { encoding: 'utf8' })
        .trim()
        .split('\n')[0],
    )
    return { runner, child, said: JSON.parse(line.split('\n')[0]!) }
  }

  const hasPgrep = spawnSync('pgrep', ['--version']).status === 0
  test.skipIf(!hasPgrep)('a peer ends when the shell that npm started it in is killed', async () => {
    const { runner, child, said } = await started(
      `${process.execPath} ${LAUNCHER} up --json ${home('npx').join(' ')}`,
    )
    const gone = goodbye(said.peer)
    runner.kill('SIGKILL')
    await gone
    await expect.poll(() => isAlive(child), { timeout: 20_000 }).toBe(false)
  })

  test('`npm start` ends, with its nodes and tables, when npm is killed', async () => {
    const data = join(folder, 'data')
    const npm = spawn(
      'npm',
      [
        'start',
        '--silent',
        '--',
        '--json',
        '--data',
        data,
        '--http',
        '127.0.0.1:0',
        '--addresses',
        '127.9.8.7,127.9.8.6',
      ],
      {
        cwd: ROOT,
        env: { ...process.env, npm_command: undefined, npm_lifecycle_event: undefined },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let out = ''
    npm.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    await expect.poll(() => out, { timeout: 60_000 }).toContain('"index"')
    const { index, nodes, relays } = JSON.parse(out.trim().split('\n').at(-1)!)
    const pids = [...nodes, ...relays].map(({ pid }: { pid: number }) => pid)
    expect(pids.every(isAlive)).toBe(true)
    npm.kill('SIGKILL')
    await expect.poll(() => pids.some(isAlive), { timeout: 30_000 }).toBe(false)
    await expect
      .poll(
        () =>
          fetch(`${index}/v1/health`).then(
            () => 'there',
            () => 'gone',
          ),
        { timeout: 30_000 },
      )
      .toBe('gone')
  })
})

describe('a pipe that nobody reads any more', () => {
  const shell = async (script: string) => {
    const child = spawn('bash', ['-c', `set -o pipefail; ${script}`], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')])
    return { code: child.exitCode, out, err }
  }

  test('is no error for a verb that prints much', async () => {
    const ended = await shell(`${commands.line('find', ...home('piped'))} | head -0`)
    expect(ended).toEqual({ code: 0, out: '', err: '' })
  })

  test('ends one that goes on when it has something to say, with a goodbye', async () => {
    const ended = shell(`${commands.line('up', '--json', '--name', 'heads', ...home('heads'))} | head -1`)
    const there = async () => (await observer.find('name eq "heads"')).map(({ peer }) => peer)
    await expect.poll(there, { timeout: 60_000 }).toHaveLength(1)
    const [peer] = await there()
    const gone = goodbye(peer)
    await observer.send(peer!, 'anybody there?').catch(() => {})
    const { code, err } = await ended
    expect([code, err]).toEqual([0, ''])
    await gone
  })
})

describe('a transfer', () => {
  const LONG = randomBytes(60_000_000)
  const path = join(folder, 'long.bin')
  beforeAll(() => writeFileSync(path, LONG))

  /** Waits until part of the file has arrived. */
  const begun = (inbox: string) =>
    expect
      .poll(
        () =>
          execFileSync('sh', ['-c', `cat ${inbox}/.straightway/*/part 2>/dev/null | wc -c`], {
            encoding: 'utf8',
          }).trim(),
        {
          timeout: 60_000,
          interval: 20,
        },
      )
      .not.toBe('0')

  test('that is stopped by Ctrl-C says goodbye, and leaves nothing at the receiver', async () => {
    const inbox = join(folder, 'stopped')
    const receiving = commands.start('receive', '--dir', inbox, ...home('rita'))
    const { peer } = await receiving.heard('online')
    const sending = commands.start('send', `${peer}`, path, ...home('sam'))
    await begun(inbox)
    const code = sending.ended('SIGINT')
    expect(await receiving.heard('error')).toMatchObject({ error: 'closed', detail: 'The sender stopped.' })
    expect(await code).toBe(1)
    expect(await sending.heard('', {}).catch((error: Error) => error.message)).toContain('ended')
    expect(readdirSync(inbox)).toEqual([])
    expect(await receiving.ended('SIGINT')).toBe(0)
    const all = await observer.find('status eq "online"')
    expect(all.map(({ peer }) => peer)).not.toContain(peer)
  })

  test('goes on where it stopped when the sender was killed, and sends again', async () => {
    const inbox = join(folder, 'resumed')
    const receiving = commands.start('receive', '--dir', inbox, ...home('rita'))
    const { peer } = await receiving.heard('online')
    const killed = commands.start('send', `${peer}`, path, ...home('sam'))
    await begun(inbox)
    await killed.ended('SIGKILL')
    const sent = await commands.json('send', `${peer}`, path, ...home('sam'))
    expect(sent).toMatchObject({ bytes: LONG.length, name: 'long.bin', sha256Equal: true })
    expect(sent.resumedBytes).toBeGreaterThan(0)
    await receiving.heard('file', { name: 'long.bin', bytes: LONG.length })
    expect(await receiving.ended()).toBe(0)
    expect(readFileSync(join(inbox, 'long.bin')).equals(LONG)).toBe(true)
    expect(readdirSync(inbox)).toEqual(['long.bin'])
  })
})

test('forward to a port that is not exposed, or where nothing listens, says so before it listens', async () => {
  const up = commands.start('up', '--expose', '9', ...home('wanda'))
  const { peer } = await up.heard('online')
  const closed = await commands.fails('forward', `${peer}:22`, ...home('vera'))
  expect(closed).toEqual({ error: 'forbidden', detail: expect.stringContaining('does not expose port 22') })
  const silent = await commands.fails('forward', `${peer}:9`, ...home('vera'))
  expect(silent).toEqual({
    error: 'unavailable',
    detail: expect.stringContaining('Nothing listens at port 9'),
  })
  expect(await up.ended('SIGTERM')).toBe(0)
})

test('a port of this machine that is in use is told of in one line', async () => {
  const up = commands.start('up', '--expose', new URL(system.index).port, ...home('wanda'))
  const { peer } = await up.heard('online')
  const taken = new URL(system.index).port
  const failed = await commands.fails('forward', `${peer}:${taken}`, taken, ...home('vera'))
  expect(failed).toEqual({
    error: 'conflict',
    detail: `Port ${taken} of this machine is in use: choose another one.`,
  })
  expect(await up.ended('SIGTERM')).toBe(0)
})
