/** Routes for jobs: work that a request started and that continues after the answer. */

import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { makerOf } from '../../shared/model/membership.ts'
import { may } from '../../shared/model/permission.ts'
import type { JobRecord } from '../../shared/resources.ts'
import { createDeletions } from '../../shared/store/deletions.ts'
import { unguarded } from '../../shared/store/guarded.ts'
import { createJobs } from '../../shared/store/jobs.ts'
import { jobAnswer, pageOf } from './answers.ts'
import type { Context } from './context.ts'
import { ok, page } from './reply.ts'
import type { Request } from './request.ts'
import { PAGE, route } from './route.ts'

/** How long a request works on its job before it answers. Small jobs are nearly done by then. */
const AT_ONCE_MS = 2_000

const tag = 'Jobs'

export const jobRoutes = [
  route({
    operation: 'listJobs',
    door: 'GET /v1/jobs',
    who: 'key',
    permission: 'job.read',
    tag,
    summary: 'Jobs that run, or that are done',
    query: { ...PAGE, state: z.enum(['running', 'done']).default('running') },
    answers: { 200: pageOf(jobAnswer) },
    async handle({ context, allow, query }) {
      allow()
      return page(await createJobs(context.client).list(query.state, query))
    },
  }),
  route({
    operation: 'readJob',
    door: 'GET /v1/jobs/{job}',
    who: 'credential',
    permission: 'job.read',
    tag,
    summary: 'How far a job has come; for API keys and for who started it',
    answers: { 200: jobAnswer },
    async handle(call) {
      const job = await visibleJob(call, call.path.job)
      if (job === undefined) throw new StraightwayError('not-found')
      return ok(job)
    },
  }),
]

/** The job if it is still running and the caller may start it: an admin API key, or the caller that started it. */
export async function underWay({ context, actor }: Request, id: string): Promise<JobRecord | undefined> {
  const job = await createJobs(context.client).get(id)
  if (job?.state !== 'running') return undefined
  return may(actor, 'user.create') || job.by === makerOf(actor) ? job : undefined
}

async function visibleJob({ context, actor }: Request, id: string): Promise<JobRecord | undefined> {
  const job = await createJobs(context.client).get(id)
  return job !== undefined && (may(actor, 'job.read') || job.by === makerOf(actor)) ? job : undefined
}

/** Works on the job for at most AT_ONCE_MS. The scheduled function does the rest, also after a failure. */
export async function begun({ client, now }: Context, job: JobRecord): Promise<JobRecord> {
  const run = createDeletions(unguarded(client))
    .run(job, now())
    .catch((error): undefined => {
      console.error(`${job.job}:`, error)
    })
  const enough = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), AT_ONCE_MS).unref()
  })
  return (await Promise.race([run, enough])) ?? job
}
