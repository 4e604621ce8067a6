import { expect, test } from 'vitest'
import { classesOf, shape } from './shape.ts'
import { sizes } from './sizes.ts'

const TEXT = `export class Clock<T> implements Machine {
  readonly #now: number
  static made = 0
  #then: number | undefined
  readonly #tell = (time: number): void => {
    this.#then = time
  }

  constructor(now: number) {
    this.#now = now
  }

  get now(): number {
    return this.#now
  }

  /** Prose of a comment: is no field. */
  async wait<T>(
    ms: number,
  ): Promise<T> {
    const later = ms
    return later as T
  }

  #hidden(): void {}
}
`

test('of a class fields and methods are counted, and neither its constructor nor what is inside a method', () => {
  expect(classesOf('clock.ts', TEXT)).toEqual([{ name: 'Clock', file: 'clock.ts', methods: 3, fields: 4 }])
})

test('classes and the SDK are small, no imports in a circle, no client in a test, and one loop', () => {
  const rules = shape()
  expect(rules.flatMap(({ violations }) => violations)).toEqual([])
  expect(rules).toHaveLength(5)
})

test('long files and long functions are found', () => {
  const body = Array.from({ length: 40 }, (_, i) => `  tell(${i})`)
  const long = [
    'export function long(): void {',
    ...body,
    '}',
    '',
    'function short(',
    '  now: number,',
    ') {',
    '}',
  ]
  const found = sizes([
    { file: 'functions.ts', text: long.join('\n') },
    { file: 'long.ts', text: '\n'.repeat(250).concat('end') },
  ])
  expect(found.map(({ violations }) => violations)).toEqual([
    ['251 lines: long.ts'],
    ['42 lines: functions.ts:1'],
  ])
  expect(found[1]!.is).toBe('2 functions, median 42 lines, 50.00 % longer')
})
