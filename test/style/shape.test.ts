import { expect, test } from 'vitest'
import { classesOf, shape } from './shape.ts'

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

test('no modules import each other in a circle, no test has a client of its own, and one loop drives all machines', () => {
  const [, , ...rules] = shape()
  expect(rules.flatMap(({ violations }) => violations)).toEqual([])
  expect(rules).toHaveLength(3)
})
