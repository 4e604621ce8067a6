import { expect, test } from 'vitest'
import { Importers } from './imports.ts'
import { lineOf, mutantsOf, mutated } from './mutants.ts'
import { sample } from './sample.ts'

const changes = (text: string): string[] => mutantsOf(text).map((mutant) => mutated(text, mutant))

test.each<[string, string[]]>([
  ['a < b', [';', 'a <= b']],
  ['const c = a === b', ['const c = a !== b']],
  ['const c = a && !b', ['const c = a || !b', 'const c = a && b']],
  ['const c: Map<string, 1 | 2> = new Map<string, number>()', []],
  ['const c = true as boolean', ['const c = false as boolean']],
  ["const c = a + ' of ' + b", []],
  ['const c = a ? 1 : 2', ['const c = true ? 1 : 2', 'const c = false ? 1 : 2']],
  ['run()', [';']],
  ['x satisfies never', []],
])('the faults of `%s` are %j', (text, expected) => {
  expect(changes(text).toSorted()).toEqual(expected.toSorted())
})

test('a fault is told with its line', () => {
  expect(lineOf('a\nb\nc', 4)).toBe(3)
})

test('the tests of a module are found through the modules between, the nearest first', () => {
  const importers = new Importers(
    new Map([
      ['shared/a.ts', "import { b } from './b.ts'"],
      ['shared/b.ts', ''],
      ['test/a.test.ts', "import '../shared/a.ts'"],
      ['test/b.test.ts', "const { b } = await import('../shared/b.ts')"],
    ]),
  )
  expect(importers.testsOf('shared/b.ts')).toEqual([['test/b.test.ts'], ['test/a.test.ts']])
})

test('a seed draws the same faults again, none of them twice, and another seed draws others', () => {
  const names = (seed: string) =>
    sample(40, seed, 'shared/wire').map(({ file, mutant }) => `${file} ${mutant.start} ${mutant.to}`)
  expect(names('1')).toEqual(names('1'))
  expect(new Set(names('1')).size).toBe(40)
  expect(names('2')).not.toEqual(names('1'))
})
