import { expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { heardCredit, newPath } from '../../../shared/core/tunnel/path.ts'
import { Summons } from '../../../shared/core/tunnel/summons.ts'
import { RELAY } from './other-side.ts'

/** Counts what is asked within half a minute, when asking every tenth of a second. */
function asked(hasPath: boolean): number {
  const outbox = new Queue<TunnelEffect>()
  const active = hasPath ? newPath('relayed', RELAY.words, 0, heardCredit(), 0) : undefined
  const summons = new Summons({ active }, outbox)
  for (let now = 0; now < 30_000; now += 100) summons.ask(now)
  return outbox.size
}

test('the CHECKPOINT is asked every ten seconds, and every three without a path', () => {
  expect([asked(true), asked(false)]).toEqual([3, 11])
})

test('and again at once where there is hope', () => {
  const outbox = new Queue<TunnelEffect>()
  const summons = new Summons({ active: undefined }, outbox)
  summons.ask(0)
  summons.ask(1)
  summons.hurry()
  summons.ask(2)
  expect(outbox.size).toBe(2)
})
