/**
 * Deletes a network or user, with all that belongs to it, as a job.
 *
 *   1. One transaction marks the subject as being deleted and stores the job. From then on the subject is gone for
 *      everybody, and nothing can be added to it.
 *   2. What belongs to it is removed in steps.
 *   3. The subject itself is removed last.
 *
 * Every step is idempotent, so a run that ends anywhere is completed by the next one.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { type Job, type JobKind, jobIdOf } from '../model/job.ts'
import type { Maker, Membership } from '../model/membership.ts'
import type { Network } from '../model/network.ts'
import type { Ground } from '../model/permission.ts'
import type { User } from '../model/user.ts'
import { createAudit } from './audit.ts'
import { createBlocks } from './blocks.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { createInvites } from './invites.ts'
import { createJobs } from './jobs.ts'
import { transitionSteps } from './membership-steps.ts'
import { createMemberships } from './memberships.ts'
import { createNetworks, startsDeletingNetwork } from './networks.ts'
import { createObjects } from './objects.ts'
import { eachPage, forEach } from './pages.ts'
import { createPeers } from './peers.ts'
import { CHANGED, OUTDATED, transact } from './transact.ts'
import { createUsers, startsDeletingUser } from './users.ts'

export interface Start {
  readonly by?: Maker | undefined
  readonly grounds?: readonly Ground[]
  readonly now: number
}

/**
 * How long after the mark the indexes are read a last time. A secondary index follows its table within about a
 * second, so something added just before the mark may be missing in it at first.
 */
const SETTLED_MS = 10_000

export function createDeletions(client: DynamoDBDocumentClient) {
  const jobs = createJobs(client)

  /** The steps of each kind of job, by name. Every run begins with the first. */
  const steps: Readonly<Record<JobKind, readonly Task[]>> = {
    'delete-network': [
      ['members', ({ subject }) => removeMembers(client, subject as NetworkId)],
      ['invites', ({ subject }) => createInvites(client).deleteOf(subject as NetworkId)],
      ['objects', ({ subject }) => createObjects(client).deleteUnder(subject)],
    ],
    'delete-user': [
      ['memberships', ({ subject }) => leaveAll(client, subject as UserId)],
      ['peers', ({ subject }, now) => erasePeers(client, subject as UserId, now)],
      ['objects', ({ subject }) => createObjects(client).deleteUnder(subject)],
      ['blocks', ({ subject }) => createBlocks(client).deleteOf(subject as UserId)],
      ['audit', ({ subject }) => createAudit(client).forget(subject as UserId)],
    ],
  }

  function start(kind: JobKind, subject: NetworkId | UserId, { by, now }: Start): Job {
    const job: Job = {
      ...{ job: jobIdOf(subject), kind, subject, state: 'running', step: steps[kind][0]![0] },
      ...(by && { by }),
      ...{ createdAt: now, updatedAt: now, runs: 0 },
    }
    return job
  }

  return {
    /**
     * Deletes a network with its memberships, invites and objects. Errors: OUTDATED if it has changed since it was
     * read.
     */
    async ofNetwork(network: Network, given: Start): Promise<Job> {
      const job = start('delete-network', network.network, given)
      const mark = startsDeletingNetwork(network, given.now)
      const told = { subject: network.network, before: network }
      await transact(client, [mark, jobs.starts(job), ...groundSteps(given.grounds ?? [])], told)
      return job
    },

    /**
     * Deletes a user with its memberships, peers and private objects. `resigns` are active memberships in which it
     * first steps down as owner. A network that it owned alone, and that is not among them, is managed by API keys
     * only from then on. Errors: OUTDATED; `conflict` if it is the last owner of a network in `resigns`.
     */
    async ofUser(user: User, given: Start, resigns: readonly Membership[] = []): Promise<Job> {
      const job = start('delete-user', user.user, given)
      const steps = resigns.map((from) => ({ from, to: steppedDown(from, given.now) }))
      for (const change of steps.slice(RESIGNED_TOGETHER)) await createMemberships(client).change(change)
      const resigning = steps.slice(0, RESIGNED_TOGETHER).flatMap(transitionSteps)
      const told = steps.slice(0, RESIGNED_TOGETHER).map(({ from, to }) => toldOf(from, to))
      const mark = startsDeletingUser(user, given.now)
      const deleted = { subject: user.user, before: user }
      const write = transact(client, [mark, jobs.starts(job), ...resigning], deleted, ...told)
      await write.catch((error) => Promise.reject(error === CHANGED ? OUTDATED : error))
      return job
    },

    /**
     * Runs the job once and returns it as it is afterwards. Rejects if a step fails; the failure is recorded in the
     * job.
     */
    async run(job: Job, now: number): Promise<Job> {
      await jobs.begins(job.job, now)
      try {
        for (const [name, work] of steps[job.kind]) {
          await jobs.isAt(job.job, name, now)
          await work(job, now)
        }
        await jobs.isAt(job.job, 'settling', now)
        if (now - job.createdAt >= SETTLED_MS) {
          await removeSubject(client, job, now)
          await jobs.isDone(job.job, now)
        }
      } catch (error) {
        await jobs.fails(job.job, `${error}`, now).catch(() => {})
        throw error
      }
      return (await jobs.get(job.job)) ?? job
    },
  }
}

/**
 * Most memberships in the transaction of the deletion: each takes three writes, and a transaction has 100. A user that
 * owns more networks first steps down from the others one by one.
 */
const RESIGNED_TOGETHER = 30

const toldOf = (from: Membership, to: Membership) => ({
  ...{ subject: from.network, about: from.user },
  ...{ before: from, after: to },
})

function steppedDown(from: Membership, now: number): Membership {
  return { ...from, role: 'admin', by: from.user, changedAt: now }
}

type Task = readonly [name: string, work: (job: Job, now: number) => Promise<void>]

async function removeSubject(
  client: DynamoDBDocumentClient,
  { kind, subject }: Job,
  now: number,
): Promise<void> {
  if (kind === 'delete-network') return createNetworks(client).remove(subject as NetworkId)
  const item = await createUsers(client).getItem(subject as UserId)
  if (item?.deletingAt !== undefined) await createUsers(client).erase(item, now)
}

async function removeMembers(client: DynamoDBDocumentClient, network: NetworkId): Promise<void> {
  const members = {
    TableName: tableName('Memberships'),
    KeyConditionExpression: 'network = :network',
    ExpressionAttributeValues: { ':network': network },
    ConsistentRead: true,
  }
  for await (const page of eachPage<Membership>(client, members)) {
    await forEach(page, ({ user }) => leave(client, network, user))
  }
}

/** The active memberships are on the user item. The others are found by the secondary index, which may lag. */
async function leaveAll(client: DynamoDBDocumentClient, user: UserId): Promise<void> {
  const networks = [...((await createUsers(client).getItem(user))?.networks ?? [])]
  await forEach(networks, (network) => leave(client, network, user))
  const memberships = {
    TableName: tableName('Memberships'),
    IndexName: 'byUser',
    KeyConditionExpression: '#user = :user',
    ExpressionAttributeNames: { '#user': 'user' },
    ExpressionAttributeValues: { ':user': user },
  }
  for await (const page of eachPage<Membership>(client, memberships)) {
    await forEach(page, ({ network }) => leave(client, network, user))
  }
}

async function erasePeers(client: DynamoDBDocumentClient, user: UserId, now: number): Promise<void> {
  await forEach(await createPeers(client).ofUser(user), (peer) => createPeers(client).erase(peer, now))
}

/** Removes a membership. One that an earlier run has removed is not an error. */
async function leave(client: DynamoDBDocumentClient, network: NetworkId, user: UserId): Promise<void> {
  try {
    await createMemberships(client).remove(network, user, { lastOwnerToo: true })
  } catch (error) {
    if (!(error instanceof StraightwayError && error.status === 404)) throw error
  }
}
