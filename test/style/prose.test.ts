import { expect, test } from 'vitest'
import { LONGEST_CELL, LONGEST_SENTENCE, prose, stumblesOf } from './prose.ts'

const kinds = (file: string, text: string): string[] => stumblesOf(file, text).map(({ kind }) => kind)

test('documents and doc comments keep the rules of prose', () => {
  expect(prose().flatMap(({ violations }) => violations)).toEqual([])
})

test.each([
  ['/** Whether it is open. */', ['fragments']],
  ['/**\n * What a peer keeps.\n */', ['fragments']],
  ['/** When it was sent. */', ['fragments']],
  ['/** When it was sent, nothing else is. */', []],
  ['/** True if it is open. */', []],
  [`/** ${'word '.repeat(LONGEST_SENTENCE + 1)}. */`, ['sentences']],
  [`/** ${'word '.repeat(LONGEST_SENTENCE - 1)}end. */`, []],
  ['/** Sockets, of which two are closed. */', ['patterns']],
  ['/** Sockets, each of which is closed. */', []],
  ['const text = "Whether it is open."', []],
])('%j has %j', (text, expected) => {
  expect(kinds('some.ts', text)).toEqual(expected)
})

test('a document is read without its code, and each item of a list by itself', () => {
  const items = Array.from({ length: LONGEST_SENTENCE }, () => '- two words').join('\n')
  expect(kinds('some.md', `${items}\n\`\`\`\n${'word '.repeat(99)}\n\`\`\``)).toEqual([])
  expect(kinds('some.md', `| ${'x'.repeat(LONGEST_CELL + 1)} | y |`)).toEqual(['cells'])
})

test('an exception that is not needed any more is a violation', () => {
  expect(prose([]).flatMap(({ violations }) => violations)).toContain(
    'docs/threat-model.md: 0 are left, so lower the exception from 1',
  )
})
