import { expect, test } from 'vitest'
import { Outgoing } from '../../../shared/core/session/outgoing.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'

/** News about a peer: its id and a value. */
const news = (subject: number, told = 0): Uint8Array =>
  Uint8Array.from({ length: 33 }, (_, i) => (i < 32 ? subject : told))

function leaving(outgoing: Outgoing, now = 0): [type: number, told: number | undefined][] {
  const out: [number, number | undefined][] = []
  outgoing.send(now, now, ({ type, body }) => out.push([type, body[32]]) > 0)
  return out
}

test('messages and offers overtake presence that waits, in their own order', () => {
  const outgoing = new Outgoing()
  for (let subject = 0; subject < 200; subject++) outgoing.add(FRAME.PRESENCE, news(subject))
  expect(outgoing.add(FRAME.MESSAGE, Uint8Array.of(1))).toBe(true)
  expect(outgoing.add(FRAME.OFFER, Uint8Array.of(2))).toBe(true)
  const types = leaving(outgoing).map(([type]) => type)
  expect(types.slice(0, 3)).toEqual([FRAME.MESSAGE, FRAME.OFFER, FRAME.PRESENCE])
})

test('however much presence waits, half of the queue is left for everything else', () => {
  const outgoing = new Outgoing()
  for (let subject = 0; subject < 256; subject++) outgoing.add(FRAME.PRESENCE, news(subject))
  expect(outgoing.room).toBe(128)
})

test('of one peer the last is told, once, however often it changed while it waited', () => {
  const outgoing = new Outgoing()
  for (let told = 1; told <= 100; told++) {
    outgoing.add(FRAME.PRESENCE, news(7, told))
    outgoing.add(FRAME.PRESENCE, news(8, told))
  }
  expect(leaving(outgoing)).toEqual([
    [FRAME.PRESENCE, 100],
    [FRAME.PRESENCE, 100],
  ])
})
