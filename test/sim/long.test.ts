/** The long run of `npm run sim -- --hours`, with few peers for an hour. */
import { expect, test } from 'vitest'
import { type LongSetting, playLong } from './long.ts'

const quietly: LongSetting = { seed: 1, hours: 1, peers: 36, tell: () => {} }

test('peers that come, go, move, die and write for an hour see the truth in the end, and have every message', () => {
  const outcome = playLong(quietly)
  expect(outcome.first).toEqual([])
  expect(outcome).toMatchObject({ ok: true, violations: 0, looks: 36 * 11, nodes: 3 })
  const { write, status, move, leave, die } = outcome.deeds
  for (const count of [write, status, move, leave, die, outcome.nodesEnded]) expect(count).toBeGreaterThan(0)
  expect(outcome.messages.delivered).toBe(outcome.messages.sent)
  expect(outcome.messages.sent).toBe(write)
  expect(playLong(quietly).hash).toBe(outcome.hash)
})

test('it finds out when nodes are not told of changes', () => {
  const outcome = playLong({
    ...quietly,
    plant({ cloud }) {
      cloud.connect = () => {}
    },
  })
  expect(outcome.ok).toBe(false)
  expect(outcome.first.join('\n')).toMatch(/sees p\d+ as/)
})

test('it finds out when a message is lost', () => {
  const outcome = playLong({
    ...quietly,
    plant({ model }) {
      model.nextText('lost' as never, 'nobody' as never)
    },
  })
  expect(outcome.first).toHaveLength(2)
  expect(outcome.first[0]).toContain('has no receipt')
  expect(outcome.first[1]).toContain('was not delivered')
})
