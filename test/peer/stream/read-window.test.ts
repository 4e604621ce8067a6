import { expect, test } from 'vitest'
import { WINDOW_BYTES } from '../../../peer/stream/frames.ts'
import { ReadWindow, WIDEST_BYTES } from '../../../peer/stream/read-window.ts'

const RTT = 200
const PIECE = 16 << 10

/** Takes `bytes` in pieces, spread evenly over `ms`. Returns the number of times that the writer was told. */
function take(window: ReadWindow, bytes: number, from: number, ms: number): number {
  let told = 0
  for (let taken = PIECE; taken <= bytes; taken += PIECE)
    if (window.took(PIECE, RTT, from + (ms * taken) / bytes)) told++
  return told
}

test('a window doubles when all of it was taken within two round trips', () => {
  const window = new ReadWindow()
  take(window, WINDOW_BYTES, 1000, 2 * RTT - 1)
  expect(window.size).toBe(2 * WINDOW_BYTES)
})

test('the writer is told of a wider window immediately', () => {
  const window = new ReadWindow()
  take(window, WINDOW_BYTES - PIECE, 1000, RTT)
  expect(window.took(PIECE, RTT, 1000 + RTT)).toBe(true)
  expect(window.took(PIECE, RTT, 1000 + RTT)).toBe(false)
})

test('a window stays as it is when the path or the reader was slower than it', () => {
  const window = new ReadWindow()
  take(window, 4 * WINDOW_BYTES, 1000, 4 * 2 * RTT + 40)
  expect(window.size).toBe(WINDOW_BYTES)
})

test('a window has a limit', () => {
  const window = new ReadWindow()
  for (let i = 0; i < 8; i++) take(window, window.size, 1000 + i * RTT, RTT)
  expect(window.size).toBe(WIDEST_BYTES)
})

test('the writer is told four times a window, and of everything that was taken', () => {
  const window = new ReadWindow()
  expect(take(window, 2 * WINDOW_BYTES, 1000, 1_000_000)).toBe(8)
  expect(window.taken).toBe(2 * WINDOW_BYTES)
})
