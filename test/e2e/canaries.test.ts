/** Every form of a text is found wherever it lies in other bytes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { formsIn, formsOf } from './canaries.ts'
import { formsInMemory } from './process-memory.ts'

const text = 'nightingale-7f3a'
const forms = formsOf(text)

test.each([
  ['UTF-8', Buffer.from(`a ${text} b`)],
  ['UTF-16', Buffer.from(`a ${text} b`, 'utf16le')],
  ['UTF-16', Buffer.from(`a ${text} b`, 'utf16le').swap16()],
  ['hex', Buffer.from(Buffer.from(`a ${text}`).toString('hex'))],
  ['hex in capitals', Buffer.from(Buffer.from(`a ${text}`).toString('hex').toUpperCase())],
])('finds %s', (name, bytes) => {
  expect(formsIn(bytes, forms)).toEqual([name])
})

test.each([0, 1, 2, 3, 4, 5])('finds base64 after %i other bytes', (before) => {
  for (const after of ['', '?', '??']) {
    const bytes = Buffer.from(`${'~'.repeat(before)}${text}${after}`)
    for (const encoding of ['base64', 'base64url'] as const)
      expect(formsIn(Buffer.from(bytes.toString(encoding)), forms)).toContain(
        `${encoding} after ${before % 3} bytes`,
      )
  }
})

test('finds nothing in bytes without it', () => {
  expect(formsIn(Buffer.from('nightingale-7f3b '.repeat(100)), forms)).toEqual([])
})

test('finds a form in the memory of a process', async () => {
  const child = spawn(process.execPath, [
    '-e',
    `globalThis.kept = Buffer.from('wren-' + ${process.pid}, 'utf16le'); console.log('kept'); setInterval(() => {}, 1000)`,
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(await formsInMemory(child.pid!, formsOf(`wren-${process.pid}`))).toContain('UTF-16')
  expect(await formsInMemory(child.pid!, formsOf(`finch-${process.pid}`))).toEqual(new Set())
})
