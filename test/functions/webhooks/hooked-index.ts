/** An INDEX whose changes become events, and whose events are posted. Time stands still until a test moves it. */
import { createEventNote } from '../../../functions/webhooks/events.ts'
import { createWebhookSchedule, createWebhookStream } from '../../../functions/webhooks/index.ts'
import { createPost } from '../../../functions/webhooks/post.ts'
import type { FunctionName } from '../../../infra/functions.ts'
import { startStreams } from '../../../local/streams.ts'
import type { TableName } from '../../../shared/store/tables.ts'
import { asFunction } from '../permitted.ts'
import { startIndex } from '../rest/index-under-test.ts'

const NOTING = [
  ['Users', 'metadata'],
  ['Networks', 'metadata'],
  ['Peers', 'metadata'],
  ['Objects', 'metadata'],
  ['Presence', 'presence'],
  ['Memberships', 'membership'],
] as const satisfies readonly (readonly [TableName, FunctionName])[]

export type HookedIndex = Awaited<ReturnType<typeof startHookedIndex>>

/** `posts`: whether the stream posts. Without it only the schedule does. */
export async function startHookedIndex({ posts = true, timeoutMs = 2_000 } = {}) {
  const index = await startIndex({ privateWebhooks: true }, { indexed: false })
  const { client, now } = index
  const context = {
    client: asFunction(client, 'webhooks'),
    post: createPost({ toPrivate: true, timeoutMs }),
    now,
    random: () => 0.5,
  }
  const noting = NOTING.map(([table, name]) => {
    const handler = createEventNote(asFunction(client, name), now)
    return { table, name, handler }
  })
  const stream = { table: 'Deliveries', name: 'webhooks', handler: createWebhookStream(context) } as const
  const streams = await startStreams({
    endpoint: index.endpoint,
    mappings: [...noting, ...(posts ? [stream] : [])],
  })
  const schedule = createWebhookSchedule(context)
  return {
    ...index,
    schedule,
    /** Waits until every change is noted and posted once. */
    settled: async () => {
      await streams.drain()
      await streams.drain()
    },
    async close() {
      await streams.close()
      await index.close()
    },
  }
}
