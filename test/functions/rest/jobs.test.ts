import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJobRunner } from '../../../functions/jobs/index.ts'
import { createDeletions } from '../../../shared/store/deletions.ts'
import { createJobs } from '../../../shared/store/jobs.ts'
import { getNetwork } from '../../../shared/store/networks.ts'
import { requireUser } from '../../../shared/store/users.ts'
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

/** The process dies at its nth write from now, and writes nothing more. */
function dieAtWrite(n: number): void {
  let left = n
  interruptions.beforeWrite = async () => {
    if (--left < 0) throw new Error('the process has died')
  }
}

test.each([
  'network',
  'user',
] as const)('the deletion of a %s that dies at any of its writes is finished by the next run', async (what) => {
  const deletions = createDeletions(index.client)
  let died = true
  for (let n = 0; died; n++) {
    const { network, ann } = await peopled()
    const start = { now: index.now() }
    const job =
      what === 'network'
        ? await deletions.ofNetwork((await getNetwork(index.client, network))!, start)
        : await deletions.ofUser(await requireUser(index.client, ann.user), start)
    index.pass(20_000)
    dieAtWrite(n)
    const outcome = await deletions.run(job, index.now()).catch(() => undefined)
    interruptions.beforeWrite = undefined
    died = outcome?.state !== 'done'
    await createJobRunner({ client: index.client, now: index.now })({} as never, {} as never)
    expect((await createJobs(index.client).get(job.job))?.state, `died at write ${n}`).toBe('done')
    expect(await brokenInvariants(index.client), `died at write ${n}`).toEqual([])
    const subject = what === 'network' ? `/v1/networks/${network}` : `/v1/users/${ann.user}`
    expect((await index.call(`GET ${subject}`, { as: index.admin })).status).toBe(404)
    const place = what === 'network' ? `network=${network}` : `owner=${ann.user}`
    expect((await index.call(`GET /v1/objects/jobs/o?${place}`, { as: index.admin })).status).toBe(404)
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
  await createJobRunner({ client: index.client, now: index.now })({} as never, {} as never)
  expect((await look(index.admin)).body.state).toBe('done')
  expect((await index.call(door, { as: index.admin })).status).toBe(404)
})
