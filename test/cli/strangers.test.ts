/** Attacks of untrusted peers on a user at a terminal: Mallory is a member of the same network. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSystem } from '../../local/system.ts'
import { INTENT, join as joinPeer, type Peer, type PeerId, sendFiles, sourcesOf } from '../../peer/index.ts'
import { Records } from '../../serve/records.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import { fromBase32 } from '../../shared/ids.ts'
import { oneFile } from '../serve/transfers.ts'
import { Commands, type Running } from './commands.ts'

const EVIL = '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202eexe.gpj\nroot'
/** Characters that must not reach a terminal: control characters except line feeds, and line separators and direction marks. */
const HARMFUL = /(?!\n)\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u

const system = await startSystem({ freePorts: true })
const folder = mkdtempSync(join(tmpdir(), 'straightway-strangers-'))
const settings = { STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite }
const commands = new Commands(settings)
const home = (name: string) => ['--home', join(folder, name)]
let mallory: Peer
let friend: Peer

beforeAll(async () => {
  const { index, invite } = system
  mallory = await joinPeer({
    index,
    invite,
    name: `Mallory${EVIL}`,
    custom: EVIL,
    metadata: { [EVIL]: EVIL },
  })
  friend = await joinPeer({ index, invite, name: 'Friend' })
})

afterAll(async () => {
  await Promise.all([mallory.close(), friend.close()])
  await system.close()
  rmSync(folder, { recursive: true })
})

/** Runs a command with output for people: text, not JSON. */
async function watched(...args: string[]) {
  const child = commands.process(...args)
  let said = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const says = async (text: string | RegExp) => {
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(text)
  }
  const ended = async (signal?: NodeJS.Signals) => {
    const exit = child.exitCode === null ? once(child, 'close') : undefined
    if (signal !== undefined) child.kill(signal)
    await exit
    return { code: child.exitCode, said }
  }
  return { says, ended, child }
}

const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

async function sendTo(from: Peer, to: PeerId, path: string) {
  const socket = await from.connect(to, { intent: INTENT.file })
  try {
    return await sendFiles(socket, (await sourcesOf([path])).list)
  } finally {
    await new Promise<void>((resolve) => void socket.close(resolve))
  }
}

describe('control characters reach no terminal', () => {
  test('from names, statuses, metadata, messages, intents and reasons', async () => {
    const up = await watched('up', ...home('alice'))
    await up.says(/^online as /m)
    const { peer } = await commands.json<{ peer: PeerId }>('whoami', ...home('alice'))
    await mallory.send(peer, `hello${EVIL}`)
    await up.says('hello')
    await expect(mallory.connect(peer, { intent: EVIL })).rejects.toMatchObject({ code: 'refused' })
    await up.says('offered')
    mallory.status('busy', { custom: `again${EVIL}` })
    await up.says('again')
    mallory.on('offer', (offer) => offer.refuse(EVIL))
    const refused = await commands.run('ping', mallory.peer, ...home('alice'))
    const found = await commands.run('find', ...home('alice'))
    const logs = await commands.run('logs', ...home('alice'))
    const { said, code } = await up.ended('SIGTERM')
    expect(code).toBe(0)
    for (const text of [said, refused.out + refused.err, found.out + found.err, logs.out + logs.err]) {
      expect(text).toContain('pwned')
      expect(text).not.toMatch(HARMFUL)
    }
    expect(said).toMatch(/hello\\x1b\]0;pwned\\x07\\x1b\[2J\\x9b31m\\u202eexe\.gpj\\nroot$/m)
  })

  test('and programs get them exactly', async () => {
    const [about] = await commands.json<[object]>('find', mallory.peer, ...home('alice'))
    expect(about).toMatchObject({ name: `Mallory${EVIL}` })
  })

  test('from names of files, which are refused at both ends', async () => {
    const receiving = await watched('receive', '--dir', join(folder, 'in'), ...home('alice'))
    await receiving.says('waiting as')
    const { peer } = await commands
      .json<{ peer: PeerId }>('find', 'status eq "online"', ...home('bob'))
      .then(
        (all) =>
          (all as unknown as { peer: PeerId }[]).find(
            (each) => ![mallory.peer, friend.peer].includes(each.peer),
          )!,
      )
    const socket = await mallory.connect(peer, { intent: INTENT.file })
    const records = new Records(await socket.createStream({ name: 'file' }))
    for (const each of oneFile(EVIL, 'bytes'))
      await (Buffer.isBuffer(each) ? records.bytes(each) : records.value(each))
    await receiving.says('invisible characters')
    const { said } = await receiving.ended('SIGTERM')
    expect(said).not.toMatch(HARMFUL)
  })
})

describe('receive', () => {
  let receiving: Running
  let peer: PeerId

  async function receive(...more: string[]) {
    receiving = commands.start('receive', '--dir', join(folder, 'inbox'), ...more, ...home('carol'))
    peer = (await receiving.heard('online')).peer as PeerId
  }

  test('takes files of those that it names, and of nobody else', async () => {
    await receive('--from', 'Friend')
    const refused = expect(mallory.connect(peer, { intent: INTENT.file })).rejects
    await refused.toMatchObject({ code: 'refused', message: 'not-allowed' })
    await sendTo(friend, peer, file('gift', 'for you'))
    expect(await receiving.heard('file')).toMatchObject({ from: friend.peer, name: 'gift' })
    expect(await receiving.ended()).toBe(0)
  })

  test('goes on after a stranger that fails in every way, and ends after a friend that does not', async () => {
    await receive('--max-size', '10')
    const gone = await mallory.connect(peer, { intent: INTENT.file })
    await new Promise<void>((resolve) => void gone.close(resolve))
    expect(await receiving.heard('error')).toMatchObject({ from: mallory.peer, error: 'closed' })
    await expect(sendTo(mallory, peer, file('large', '12345678901'))).rejects.toMatchObject({
      code: 'too-large',
      message: 'The receiver accepts at most 10 bytes.',
    })
    expect(await receiving.heard('error')).toMatchObject({ from: mallory.peer, error: 'too-large' })
    const dots = await mallory.connect(peer, { intent: INTENT.file })
    const records = new Records(await dots.createStream({ name: 'file' }))
    for (const each of oneFile('.bashrc', 'evil'))
      await (Buffer.isBuffer(each) ? records.bytes(each) : records.value(each))
    expect(await receiving.heard('error')).toMatchObject({ from: mallory.peer, error: 'bad-request' })
    await sendTo(friend, peer, file('small', '1234567890'))
    expect(await receiving.heard('file')).toMatchObject({ from: friend.peer, name: 'small' })
    expect(await receiving.ended()).toBe(0)
    expect(readdirSync(join(folder, 'inbox')).sort()).toEqual(['gift', 'small'])
  })

  test('and up receive into no home of a peer', async () => {
    mkdirSync(join(folder, 'own'), { recursive: true })
    await commands.json('whoami', ...home('own'))
    for (const [verb, option] of [
      ['receive', '--dir'],
      ['up', '--receive'],
    ] as const) {
      const failed = await commands.fails(verb, option, join(folder, 'own'), ...home('dora'))
      expect(failed).toEqual({ error: 'forbidden', detail: expect.stringContaining('home of a peer') })
    }
  })

  const hasTerminal = spawnSync('script', ['--version']).status === 0
  test.skipIf(!hasTerminal)('asks on a terminal, and takes no answer for a no', async () => {
    for (const [answer, outcome] of [
      ['n', 'refused'],
      ['y', 'kept'],
    ] as const) {
      const args = ['receive', '--dir', join(folder, 'asked'), ...home('erna')]
      const terminal = spawn('script', ['-qfec', commands.line(...args), '/dev/null'], {
        env: { ...process.env, ...settings },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let said = ''
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      await expect.poll(() => said, { timeout: 60_000 }).toContain('waiting as')
      const seed = fromBase32(readFileSync(join(folder, 'erna/identity'), 'utf8').trim())
      const to = identityOf(seed!).peer
      const sent = sendTo(friend, to, file('letter', 'dear Erna')).then(
        () => 'kept',
        ({ code }) => code,
      )
      await expect.poll(() => said, { timeout: 60_000 }).toContain('sends letter, 9 bytes. Receive it? [y/N]')
      terminal.stdin.write(`${answer}\n`)
      expect(await sent).toBe(outcome)
      if (outcome === 'refused') terminal.stdin.write('\u0003')
      if (terminal.exitCode === null) await once(terminal, 'close')
    }
    expect(readdirSync(join(folder, 'asked'))).toEqual(['letter'])
  })
})

test('up answers pings of those that it is told to, and says what a ping tells', async () => {
  const open = await watched('up', ...home('gert'))
  await open.says('which tells them its address: --ping none stops that')
  await open.ended('SIGTERM')
  const shut = commands.start('up', '--ping', 'Friend', ...home('gert'))
  const peer = (await shut.heard('online')).peer as PeerId
  const refused = expect(mallory.connect(peer, { intent: INTENT.ping })).rejects
  await refused.toMatchObject({ code: 'refused', message: 'not-allowed' })
  const socket = await friend.connect(peer, { intent: INTENT.ping })
  socket.send('still there?')
  expect(`${(await once(socket, 'message'))[0]}`).toBe('still there?')
  await new Promise<void>((resolve) => void socket.close(resolve))
  expect(await shut.ended('SIGTERM')).toBe(0)
})
