/** The canary on a running system: whole rounds with the same two peers, and what it says when a part of the system fails. */
import { randomBytes } from 'node:crypto'
import type { ScheduledEvent } from 'aws-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteBoth } from '../../canary/enrol.ts'
import { type CanaryContext, createCanary } from '../../canary/index.ts'
import { SongError, sing } from '../../canary/song.ts'
import { createClient } from '../../shared/store/client.ts'
import { systemUnderTest } from '../e2e/system-under-test.ts'
import { asFunction } from '../functions/permitted.ts'

const { system } = await systemUnderTest()
const seed = randomBytes(32).toString('hex')
let client: ReturnType<typeof createClient>
beforeAll(() => {
  client = createClient({ endpoint: system.dynamodb })
})
afterAll(() => client.destroy())

let invites = 0
const round = (index = system.index) =>
  sing({
    index,
    seed,
    invite: () => {
      invites++
      return inviteBoth(asFunction(client, 'canary'), Date.now())
    },
    signal: AbortSignal.timeout(30_000),
  })

async function played(song: CanaryContext['sing']) {
  const lines: string[] = []
  const logged: string[] = []
  const canary = createCanary({
    system: 'test',
    sing: song,
    print: (line) => void lines.push(line),
    log: (line) => void logged.push(line),
    now: () => 1_000,
  })
  const result = await canary({} as ScheduledEvent)
  return { result, metrics: lines.map((line) => JSON.parse(line)), logged }
}

test('two peers enrol with what the function may write, and all steps succeed', async () => {
  const { result, metrics, logged } = await played(() => round())
  expect({ result, logged }).toEqual({ result: { ok: true }, logged: [] })
  expect(metrics).toEqual([
    {
      _aws: {
        Timestamp: 1_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Straightway',
            Dimensions: [['System']],
            Metrics: ['Canary', 'CanarySignInMs', 'CanaryMessageMs', 'CanaryTunnelMs'].map((Name) => ({
              Name,
            })),
          },
        ],
      },
      System: 'test',
      Canary: 1,
      CanarySignInMs: expect.any(Number),
      CanaryMessageMs: expect.any(Number),
      CanaryTunnelMs: expect.any(Number),
    },
  ])
  expect(invites).toBe(1)
})

test('the next round uses the same peers and needs no invite', async () => {
  const song = await round()
  expect(Object.values(song).every((ms) => ms >= 0)).toBe(true)
  expect(invites).toBe(1)
})

test('without INDEX the round fails at the sign-in, and the metric is 0', async () => {
  const { result, metrics, logged } = await played(() => round('http://127.0.0.1:9'))
  expect(result).toEqual({ ok: false, detail: expect.stringMatching(/^sign-in: /) })
  expect(metrics).toMatchObject([{ System: 'test', Canary: 0 }])
  expect(logged).toEqual([expect.stringContaining('the canary failed at sign-in')])
})

test('without a relay the round fails at the tunnel', async () => {
  const [relay] = system.relays
  process.kill(relay!.pid, 'SIGSTOP')
  const error = await round().catch((reason: unknown) => reason)
  process.kill(relay!.pid, 'SIGCONT')
  expect(error).toBeInstanceOf(SongError)
  expect(error).toMatchObject({ step: 'tunnel' })
})
