/** Each word of docs/glossary.md stands in the file that defines it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const ROW = /^\| ([^|]+) \| [^|]+ \| `(\w+)` in `([^`]+)` \|$/gm

test('each word is in the code that the glossary names, and is listed once', () => {
  const page = readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8')
  const rows = [...page.matchAll(ROW)].map(([, word, name, file]) => ({
    word: word!,
    name: name!,
    file: file!,
  }))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter(({ name, file }) => !defines(file, name))).toEqual([])
  expect(new Set(rows.map(({ word }) => word)).size).toBe(rows.length)
  const tabled = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| word '))
  expect(tabled).toHaveLength(rows.length)
})

const defines = (file: string, name: string): boolean =>
  new RegExp(`\\b${name}\\b`).test(readFileSync(join(ROOT, file), 'utf8'))
