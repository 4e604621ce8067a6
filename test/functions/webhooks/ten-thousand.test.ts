/** 10,000 events to a receiver that fails in every way: none is lost, none is unsigned, and they are sent again on request. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDeliveries } from '../../../shared/store/deliveries.ts'
import { createObjects } from '../../../shared/store/objects.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { type HookedIndex, startHookedIndex } from './hooked-index.ts'
import { failing } from './injected.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** All 10,000 take ten minutes on two cores: CI sets fewer. */
const EVENTS = Number(process.env.WEBHOOK_EVENTS ?? 10_000)
const REPLAYED = EVENTS / 10

let index: HookedIndex
let receiver: Receiver

beforeAll(async () => {
  index = await startHookedIndex()
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await index.close()
})

/** Lets minutes pass, with the schedule, until nothing is due for a day. */
async function untilIdle(): Promise<void> {
  for (let idle = 0; idle < 24; ) {
    const { posted } = await index.schedule()
    idle = posted === 0 ? idle + 1 : 0
    index.pass(posted === 0 ? 3600_000 : 60_000)
  }
}

test(`${EVENTS} events arrive, and those that are replayed arrive again`, async () => {
  const as = index.admin
  const network = await index.network()
  const body = { name: 'all', url: receiver.url, events: ['object.created'] }
  const { webhook, secret } = (await index.call('POST /v1/webhooks', { as, body })).body
  receiver.secrets.add(secret)
  receiver.fails(failing(0.2))
  const objects = createObjects(index.client)
  const ids = Array.from({ length: EVENTS }, (_, n) => `o${n}`)
  await forEach(ids, (id) => objects.create({ collection: 'all', id, network, value: { id } }, index.now()))
  await index.settled()
  await untilIdle()
  const received = new Set([...receiver.accepted.values()].map(({ event }) => event.data.id))
  expect(received).toEqual(new Set(ids))
  expect(receiver.accepted.size).toBe(EVENTS)
  expect(receiver.counts.unsigned).toBe(0)

  receiver.fails(() => false)
  // A part of them, because each takes as long as it took at first.
  const { again: before } = receiver.counts
  const deliveries = createDeliveries(index.client)
  let [replayed, cursor]: [number, string | undefined] = [0, undefined]
  do {
    const asked = { since: 0, until: Number.MAX_SAFE_INTEGER / 100, states: ['delivered' as const], cursor }
    const part = await deliveries.replay(webhook, asked, index.now())
    replayed += part.replayed
    cursor = part.cursor
  } while (cursor !== undefined && replayed < REPLAYED)
  expect(replayed).toBeGreaterThanOrEqual(REPLAYED)
  await untilIdle()
  expect(receiver.accepted.size).toBe(EVENTS)
  expect(receiver.counts.again - before).toBe(replayed)
}, 1_800_000)
