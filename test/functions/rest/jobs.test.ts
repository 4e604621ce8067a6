import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJobRunner } from '../../../functions/jobs/index.ts'
import type { Job, JobKind } from '../../../shared/model/job.ts'
import { createDeletions } from '../../../shared/store/deletions.ts'
import { createJobs } from '../../../shared/store/jobs.ts'
import { createNetworks } from '../../../shared/store/networks.ts'
import { createUsers } from '../../../shared/store/users.ts'
import { asFunction } from '../permitted.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Interruptions, interrupt } from './interrupted-client.ts'
import { brokenInvariants } from './invariants.ts'

let index: IndexUnderTest
let interruptions: Interruptions

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  interruptions = interrupt(index.client)
})
afterAll(() => index.close())

async function peopled() {
  const network = await index.network()
  const [ann, ben] = [await index.member({ [network]: 'owner' }), await index.member({ [network]: 'member' })]
  await index.call(`POST /v1/networks/${network}/invites`, { as: ann.ticket, body: {} })
  await index.call(`PUT /v1/objects/jobs/o?network=${network}`, { as: ben.ticket, body: { value: {} } })
  await index.call('PUT /v1/objects/jobs/o', { as: ann.ticket, body: { value: {} } })
  return { network, ann, ben }
}

/** Makes the process die at its nth write from now on. It writes nothing after it. */
function dieAtWrite(n: number): void {
  let left = n
  interruptions.beforeWrite = async () => {
    if (--left < 0) throw new Error('the process has died')
  }
}

type Peopled = Awaited<ReturnType<typeof peopled>>

/** For each kind of job: its start, and what must be gone at the end. A new kind does not compile until it is listed here. */
const KINDS: Readonly<
  Record<
    JobKind,
    { readonly begin: (of: Peopled) => Promise<Job>; readonly gone: (of: Peopled) => readonly string[] }
  >
> = {
  'delete-network': {
    begin: async ({ network }) =>
      createDeletions(index.client).ofNetwork((await createNetworks(index.client).get(network))!, {
        now: index.now(),
      }),
    gone: ({ network }) => [`/v1/networks/${network}`, `/v1/objects/jobs/o?network=${network}`],
  },
  'delete-user': {
    begin: async ({ ann }) =>
      createDeletions(index.client).ofUser(await createUsers(index.client).require(ann.user), {
        now: index.now(),
      }),
    gone: ({ ann }) => [`/v1/users/${ann.user}`, `/v1/objects/jobs/o?owner=${ann.user}`],
  },
}

test.each(
  Object.keys(KINDS) as JobKind[],
)('the job %s that dies at any of its writes is finished by the next run', async (kind) => {
  const { begin, gone } = KINDS[kind]
  const deletions = createDeletions(index.client)
  let died = true
  for (let n = 0; died; n++) {
    const of = await peopled()
    const job = await begin(of)
    index.pass(20_000)
    dieAtWrite(n)
    const outcome = await deletions.run(job, index.now()).catch(() => undefined)
    interruptions.beforeWrite = undefined
    died = outcome?.state !== 'done'
    await createJobRunner({ client: asFunction(index.client, 'jobs'), now: index.now })(
      {} as never,
      {} as never,
    )
    expect((await createJobs(index.client).get(job.job))?.state, `died at write ${n}`).toBe('done')
    expect(await brokenInvariants(index.client), `died at write ${n}`).toEqual([])
    for (const path of gone(of))
      expect((await index.call(`GET ${path}`, { as: index.admin })).status, path).toBe(404)
    expect(n).toBeLessThan(60)
  }
}, 120_000)

test('a deletion is answered with its job, which says how far it is, and asking again finds the same', async () => {
  const { network, ann, ben } = await peopled()
  const door = `DELETE /v1/networks/${network}`
  const first = await index.call(door, { as: ann.ticket })
  expect(first).toMatchObject({
    status: 202,
    headers: { location: `/v1/jobs/delete-${network}` },
    body: { kind: 'delete-network', subject: network, by: ann.user },
  })
  expect((await index.call(door, { as: ann.ticket })).body.job).toBe(first.body.job)
  const look = (as: string) => index.call(`GET ${first.headers.location}`, { as })
  expect((await look(ann.ticket)).body.state).toBe('running')
  expect((await look(ben.ticket)).status).toBe(404)
  expect((await index.call('GET /v1/jobs', { as: index.admin })).body.items).toContainEqual(
    expect.objectContaining({ job: first.body.job }),
  )
  expect((await index.call(`GET /v1/users/${ben.user}`, { as: ben.ticket })).body.networks).toEqual([])
  index.pass(20_000)
  await createJobRunner({ client: asFunction(index.client, 'jobs'), now: index.now })(
    {} as never,
    {} as never,
  )
  expect((await look(index.admin)).body.state).toBe('done')
  expect((await index.call(door, { as: index.admin })).status).toBe(404)
})
