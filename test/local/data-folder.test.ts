import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeDataFolder } from '../../local/data-folder.ts'

function folder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'straightway-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  return join(parent, 'data')
}

test('a data folder is made for its owner only', () => {
  const data = folder()
  onTestFinished(takeDataFolder(data, false))
  expect(statSync(data).mode & 0o777).toBe(0o700)
})

test('a data folder that others could read before, and its tables and keys, are private from then on', () => {
  const data = folder()
  mkdirSync(data)
  chmodSync(data, 0o755)
  const own = ['tables.sqlite', 'tables.sqlite-wal', 'secrets.json', 'checkpoints.json.new']
  for (const name of own) writeFileSync(join(data, name), 'messages')
  for (const name of own) chmodSync(join(data, name), 0o644)
  onTestFinished(takeDataFolder(data, false))
  expect(statSync(data).mode & 0o777).toBe(0o700)
  expect(own.map((name) => statSync(join(data, name)).mode & 0o777)).toEqual(own.map(() => 0o600))
})

test('a data folder in which somebody has put a link in place of the tables is refused', () => {
  const data = folder()
  mkdirSync(data)
  symlinkSync('/dev/null', join(data, 'tables.sqlite'))
  expect(() => takeDataFolder(data, false)).toThrow(/no regular file/)
})

test.runIf(process.geteuid?.() === 0)('a data folder that belongs to another user is refused', () => {
  const data = folder()
  mkdirSync(data)
  chownSync(data, 65_534, 65_534)
  expect(() => takeDataFolder(data, false)).toThrow(/belongs to another user/)
})

test('what is forgotten is what a system keeps, and nothing else that lies in the folder', () => {
  const data = folder()
  takeDataFolder(data, false)()
  const kept = ['thesis.txt', 'package.json']
  const own = ['tables.sqlite', 'tables.sqlite-wal', 'secrets.json', 'founding.json', 'checkpoints.json']
  for (const name of [...kept, ...own]) writeFileSync(join(data, name), '')
  takeDataFolder(data, true)()
  expect(readdirSync(data).sort()).toEqual(kept.sort())
})

test('a second system is told that the folder is taken', () => {
  const data = folder()
  onTestFinished(takeDataFolder(data, false))
  expect(() => takeDataFolder(data, false)).toThrow(/data folder/)
})
