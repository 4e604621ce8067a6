/** The claims of the threat model refer to tests that exist. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')
const ROW = /\| `(test\/[^`]+)` ([^|]+) \|$/gm

const claims = [...text.matchAll(ROW)].map(([, file, title]) => ({ file: file!, title: title!.trim() }))

test('there are claims', () => {
  expect(claims.length).toBeGreaterThan(30)
})

test.each(claims)('$file has: $title', ({ file, title }) => {
  expect(existsSync(join(root, file)), file).toBe(true)
  expect(readFileSync(join(root, file), 'utf8')).toContain(title)
})
