import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
