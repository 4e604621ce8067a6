import { beforeEach, describe, expect, test } from 'vitest'
import { Lifetime } from '../../../shared/core/tunnel/lifetime.ts'

const SECOND = 1000
let life: Lifetime
beforeEach(() => {
  life = new Lifetime()
})

describe('a tunnel', () => {
  test('lives for ever before both sides have agreed', () => {
    expect([life.deadline(), life.endedBy(Number.MAX_SAFE_INTEGER)]).toEqual([
      Number.POSITIVE_INFINITY,
      undefined,
    ])
  })

  test('ends a minute after the agreement without a path or a word', () => {
    life.begin(0)
    expect(life.deadline()).toBe(60 * SECOND)
    expect(life.endedBy(60 * SECOND - 1)).toBeUndefined()
    expect(life.endedBy(60 * SECOND)).toBe('unreachable')
  })

  test('ends a minute after its path was lost, unless the other side is heard', () => {
    life.begin(0)
    life.heard()
    life.interrupted(5 * SECOND)
    life.interrupted(9 * SECOND)
    expect(life.deadline()).toBe(65 * SECOND)
    life.heard()
    expect(life.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  test('ends after a quarter of a minute when the other side is away, and not when that is back', () => {
    life.begin(0)
    life.absent(5 * SECOND)
    life.absent(9 * SECOND)
    expect(life.deadline()).toBe(20 * SECOND)
    life.present()
    expect(life.deadline()).toBe(60 * SECOND)
  })

  test('does not end because the other side is away while there is a path', () => {
    life.begin(0)
    life.heard()
    life.absent(5 * SECOND)
    expect(life.deadline()).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('that the other side has closed', () => {
  test('ends at once where there is no path', () => {
    life.begin(0)
    life.otherClosed(false, 10)
    expect(life.endedBy(10)).toBe('closedByOther')
  })

  test('gives way to what it has sent before', () => {
    life.begin(0)
    life.otherClosed(true, 10)
    expect(life.endedBy(509)).toBeUndefined()
    life.heard()
    expect(life.endedBy(510)).toBeUndefined()
    life.interrupted(600)
    life.otherClosed(true, 600)
    expect(life.endedBy(1100)).toBe('closedByOther')
  })

  test('is left to a path that works', () => {
    life.begin(0)
    life.heard()
    life.otherClosed(true, 10)
    expect(life.deadline()).toBe(Number.POSITIVE_INFINITY)
  })
})

test('the first reason for an end counts', () => {
  life.begin(0)
  life.end('noDirectPath')
  life.end('closed')
  expect([life.isOver, life.endedBy(60 * SECOND)]).toEqual([true, 'noDirectPath'])
})
