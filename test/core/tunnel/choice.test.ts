import { beforeEach, describe, expect, test } from 'vitest'
import { Choice } from '../../../shared/core/tunnel/choice.ts'
import { acknowledged, die, type Path, prove } from '../../../shared/core/tunnel/path.ts'
import { PathBook } from '../../../shared/core/tunnel/path-book.ts'
import { address, B, RELAY } from './other-side.ts'

let book: PathBook
let choice: Choice
beforeEach(() => {
  book = new PathBook(true)
  choice = new Choice(book)
})

/** Adds a fit path with this round trip time. */
function working(kind: Path['kind'], words: Uint32Array, rttMs: number): Path {
  const path = book.reach(kind, words, 0, 0, 0)!
  prove(path)
  for (let i = 0; i < 4; i++) acknowledged(path, 100 * i, 100 * i + rttMs)
  return path
}

describe('the path in use', () => {
  test('is none until one is fit', () => {
    book.reach('direct', B.words, 0, 0, 0)
    expect(choice.review(0)).toBeUndefined()
    expect(choice.active).toBeUndefined()
  })

  test('is the relay first, and the direct one as soon as there is one', () => {
    const relayed = working('relayed', RELAY.words, 40)
    expect(choice.review(500)).toEqual({ path: relayed, isUrgent: true })
    const direct = working('direct', B.words, 30)
    expect(choice.review(500)).toEqual({ path: direct, isUrgent: false })
    expect(choice.spare).toBe(relayed)
    expect(choice.review(500)).toBeUndefined()
  })

  test('is the relay again where the direct path is much slower, and that is told', () => {
    working('direct', B.words, 400)
    choice.review(500)
    working('relayed', RELAY.words, 40)
    expect(choice.review(500)?.path.kind).toBe('relayed')
    expect([choice.relayBetter, choice.directDied]).toEqual([true, false])
  })

  test('is urgently another one when it dies, and its death is known until a direct one replaces it', () => {
    const relayed = working('relayed', RELAY.words, 40)
    const direct = working('direct', B.words, 30)
    choice.review(500)
    die(direct)
    choice.lose(direct)
    expect(choice.review(2000)).toEqual({ path: relayed, isUrgent: true })
    expect(choice.directDied).toBe(true)
    working('direct', address('198.51.100.2:40001').words, 30)
    choice.review(2000)
    expect(choice.directDied).toBe(false)
  })

  test('stays where another one is lost', () => {
    const relayed = working('relayed', RELAY.words, 40)
    const direct = working('direct', B.words, 30)
    choice.review(500)
    choice.lose(relayed)
    expect(choice.active).toBe(direct)
  })

  test('is suspect 0.3 s, and silent 0.6 s, after a probe without an answer', () => {
    const direct = working('direct', B.words, 30)
    choice.review(500)
    direct.unackedSince = 1000
    expect([1299, 1300].map((now) => choice.suspect(now))).toEqual([false, true])
    expect([1599, 1600].map((now) => choice.listen(now))).toEqual([false, true])
    expect(choice.silent).toBe(true)
  })
})
