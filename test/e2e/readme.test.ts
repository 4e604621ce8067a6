/** What the README shows is what happens: its six lines are run, and every command it names exists. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemUnderTest } from './system-under-test.ts'

const root = joinPath(import.meta.dirname, '../..')
const readme = readFileSync(joinPath(root, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!)
const commands = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .map((line) => line.replace(/#.*/, '').trim())
  .filter((line) => line !== '')
const run = promisify(execFile)

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

test('every verb and option of the command line that the README names exists', async () => {
  const shown = commands.filter((line) => line.startsWith('npx straightway'))
  expect(shown.length).toBeGreaterThan(1)
  for (const line of shown) {
    const [, , verb] = line.split(/\s+/)
    const { stdout: help } = await run(process.execPath, [
      joinPath(root, 'peer/cli/straightway.js'),
      verb!,
      '--help',
    ])
    for (const [option] of line.matchAll(/--[a-z-]+/g)) expect(help).toContain(option)
  }
})
