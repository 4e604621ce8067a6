/** Runs what the README shows: its six lines of code and its commands. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Commands } from '../cli/commands.ts'
import { systemUnderTest } from './system-under-test.ts'

const root = joinPath(import.meta.dirname, '../..')
const readme = readFileSync(joinPath(root, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!)
const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .map((line) => line.replace(/#.*/, '').trim())
  .filter((line) => line !== '')

const { system, join } = await systemUnderTest()

test('the six lines find a friend, are accepted, and say hello', async () => {
  const friend = await join({ metadata: { game: 'chess' } })
  const greeted = new Promise<string>((resolve) => {
    friend.on('offer', async (offer) => {
      expect(offer.intent).toBe('play')
      const socket = await offer.accept()
      socket.on('message', (message) => resolve(String(message)))
    })
  })
  const sdk = pathToFileURL(joinPath(root, 'peer/index.ts')).href
  const [lines] = blocks('ts')
  const program = lines!
    .replace("'straightway'", `'${sdk}'`)
    .replace('http://127.0.0.1:8787', system.index)
    .replace('INVITE', system.invite)
  expect(program.split('\n').filter((line) => line.trim() !== '')).toHaveLength(6)
  const folder = mkdtempSync(joinPath(tmpdir(), 'straightway-readme-'))
  writeFileSync(joinPath(folder, 'six-lines.ts'), program)
  const running = spawn(process.execPath, [joinPath(folder, 'six-lines.ts')], { stdio: 'inherit' })
  try {
    expect(await greeted).toBe('hello')
  } finally {
    running.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(joinPath(root, 'package.json'), 'utf8')) as { scripts: object }
  const named = commands.flatMap((line) =>
    [...line.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name]) => name!),
  )
  expect(named.length).toBeGreaterThan(1)
  for (const name of named) expect(['ci', ...Object.keys(scripts)]).toContain(name)
})

test('the commands that the README shows do what it says, one after the other', async () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'straightway-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(joinPath(folder, 'photo.jpg'), randomBytes(100_000))
  const set = commands
    .find((line) => line.startsWith('export '))!
    .split(' ')
    .slice(1)
  const settings = Object.fromEntries(set.map((each) => each.split('=') as [string, string]))
  expect(settings).toEqual({ STRAIGHTWAY_INDEX: 'http://127.0.0.1:8787', STRAIGHTWAY_INVITE: 'INVITE' })
  const shell = new Commands({ STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite })
  const typed = (line: string, peer = ''): string[] =>
    line
      .replaceAll('~', folder)
      .replace('PEER', peer)
      .replace(' photo', ` ${folder}/photo`)
      .split(/\s+/)
      .slice(2)
  const [up, ...others] = commands.filter((line) => line.startsWith('npx straightway'))
  const alice = shell.start(...typed(up!))
  const { peer } = await alice.heard('online')
  const [ping, send] = others.map((line) => typed(line, peer as string))
  expect([ping![0], send![0], others.length]).toEqual(['ping', 'send', 2])
  expect(await shell.json('ping', ...ping!.slice(1))).toMatchObject({ path: 'direct', lost: 0 })
  expect(await shell.json(...send!)).toMatchObject({ name: 'photo.jpg', sha256Equal: true })
  expect(existsSync(joinPath(folder, 'files/photo.jpg'))).toBe(true)
  expect(await alice.ended('SIGTERM')).toBe(0)
})
