import { describe, expect, test } from 'vitest'
import { abandon, prove } from '../../../shared/core/tunnel/path.ts'
import { PathBook } from '../../../shared/core/tunnel/path-book.ts'
import { address, B, RELAY } from './other-side.ts'

const many = (i: number) => address(`203.0.113.${i}:9`).words

describe('the book of paths', () => {
  test('has one path for each address and socket', () => {
    const book = new PathBook(true)
    const path = book.reach('direct', B.words, 0, 0, 0)
    expect(book.reach('direct', B.words, 0, 0, 5)).toBe(path)
    expect(book.reach('direct', B.words, 0, 1, 5)).not.toBe(path)
    expect(book.find(B.words, 0, 2)).toBeUndefined()
    expect(book.size).toBe(2)
  })

  test('has no direct path where only a relay is wanted', () => {
    const book = new PathBook(false)
    expect(book.reach('direct', B.words, 0, 0, 0)).toBeUndefined()
    expect(book.reach('relayed', RELAY.words, 0, 0, 0)?.kind).toBe('relayed')
  })

  test('never takes the address of a relay for a direct path', () => {
    const book = new PathBook(true)
    book.reach('direct', RELAY.words, 0, 0, 0, 'heard')
    const relayed = book.reach('relayed', RELAY.words, 0, 0, 0)
    expect(book.reach('direct', RELAY.words, 0, 0, 0)).toBe(relayed)
    expect([relayed?.kind, book.size]).toEqual(['relayed', 1])
  })

  test('is full with 32, and then evicts what has proven nothing for ten seconds', () => {
    const book = new PathBook(true)
    prove(book.reach('direct', many(0), 0, 0, 0)!)
    for (let i = 1; i < 32; i++) book.reach('direct', many(i), 0, 0, 0)
    expect(book.reach('direct', many(32), 0, 0, 10_000)).toBeUndefined()
    expect(book.reach('direct', many(32), 0, 0, 10_001)).toBeDefined()
    expect(book.find(many(0), 0, 0)?.state).toBe('fit')
    expect(book.find(many(1), 0, 0)).toBeUndefined()
  })

  test('names a fit direct path before an open one, and the fresh sockets on which something came', () => {
    const book = new PathBook(true)
    const [open, fit] = [many(1), many(2)].map((words, i) => book.reach('direct', words, 0, i, 0)!)
    open!.state = 'open'
    expect(book.direct).toBe(open)
    prove(fit!)
    expect(book.direct).toBe(fit)
    expect([...book.usedSockets]).toEqual([])
    fit!.heardAt = 3
    expect([...book.usedSockets]).toEqual([1])
  })

  test('forgets what was abandoned half a minute ago, and keeps what works', () => {
    const book = new PathBook(true)
    abandon(book.reach('direct', many(1), 0, 0, 0)!)
    prove(book.reach('direct', many(2), 0, 0, 0)!)
    book.forget(30_000)
    expect(book.size).toBe(2)
    book.forget(30_001)
    expect([...book].map(({ state }) => state)).toEqual(['fit'])
  })
})
