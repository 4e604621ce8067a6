/**
 * Deleting what others hang on, as a job. One transaction marks the thing and keeps the job: from then on it is gone for
 * everybody and nothing can be added to it. Then what belongs to it is removed, step by step, and it goes last. Each step
 * can be repeated, so a run that ends anywhere is finished by the next one.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { type Job, type JobKind, jobIdOf } from '../model/job.ts'
import type { Maker, Membership } from '../model/membership.ts'
import type { Network } from '../model/network.ts'
import type { Ground } from '../model/permission.ts'
import type { User } from '../model/user.ts'
import { deleteBlocksOf } from './blocks.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { deleteInvitesOf } from './invites.ts'
import { createJobs } from './jobs.ts'
import { transitionSteps } from './membership-steps.ts'
import { changeMembership, removeMembership } from './memberships.ts'
import { removeNetworkItem, startsDeletingNetwork } from './networks.ts'
import { createObjects } from './objects.ts'
import { eachPage, forEach } from './pages.ts'
import { erasePeer, peersOfUser } from './peers.ts'
import { CHANGED, OUTDATED, transact } from './transact.ts'
import { eraseUserItem, getUserItem, startsDeletingUser } from './users.ts'

export interface Start {
  readonly by?: Maker | undefined
  readonly grounds?: readonly Ground[]
  readonly now: number
}

/**
 * A secondary index follows its table within about a second. What was added just before the mark may be missing in it, so
 * the indexes are read once more this long after.
 */
const SETTLED_MS = 10_000

export type Deletions = ReturnType<typeof createDeletions>

export function createDeletions(client: DynamoDBDocumentClient) {
  const jobs = createJobs(client)

  /** Each with its name; a run begins with the first. */
  const steps: Readonly<Record<JobKind, readonly Task[]>> = {
    'delete-network': [
      ['members', ({ subject }) => removeMembers(client, subject as NetworkId)],
      ['invites', ({ subject }) => deleteInvitesOf(client, subject as NetworkId)],
      ['objects', ({ subject }) => createObjects(client).deleteUnder(subject)],
    ],
    'delete-user': [
      ['memberships', ({ subject }) => leaveAll(client, subject as UserId)],
      ['peers', ({ subject }, now) => erasePeers(client, subject as UserId, now)],
      ['objects', ({ subject }) => createObjects(client).deleteUnder(subject)],
      ['blocks', ({ subject }) => deleteBlocksOf(client, subject as UserId)],
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
    /** Memberships, invites and objects go with it. Errors: OUTDATED where it was changed since it was read. */
    async ofNetwork(network: Network, given: Start): Promise<Job> {
      const job = start('delete-network', network.network, given)
      const mark = startsDeletingNetwork(network, given.now)
      await transact(client, [mark, jobs.starts(job), ...groundSteps(given.grounds ?? [])])
      return job
    },

    /**
     * Memberships, peers and private objects go with it; a network it owned alone is managed by API keys only, unless it is
     * among `resigns`: active memberships as owner that it steps down from. Errors: OUTDATED; `conflict` for the last owner.
     */
    async ofUser(user: User, given: Start, resigns: readonly Membership[] = []): Promise<Job> {
      const job = start('delete-user', user.user, given)
      const steps = resigns.map((from) => ({ from, to: steppedDown(from, given.now) }))
      for (const change of steps.slice(RESIGNED_TOGETHER)) await changeMembership(client, change)
      const resigning = steps.slice(0, RESIGNED_TOGETHER).flatMap(transitionSteps)
      const write = transact(client, [startsDeletingUser(user, given.now), jobs.starts(job), ...resigning])
      await write.catch((error) => Promise.reject(error === CHANGED ? OUTDATED : error))
      return job
    },

    /** One run: the job as it is afterwards. Rejects where a step fails, which the job notes. */
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

/** Two writes each; a transaction has 100. Whoever owns more networks steps down from the others one by one first. */
const RESIGNED_TOGETHER = 45

function steppedDown(from: Membership, now: number): Membership {
  return { ...from, role: 'admin', by: from.user, changedAt: now }
}

type Task = readonly [name: string, work: (job: Job, now: number) => Promise<void>]

async function removeSubject(
  client: DynamoDBDocumentClient,
  { kind, subject }: Job,
  now: number,
): Promise<void> {
  if (kind === 'delete-network') return removeNetworkItem(client, subject as NetworkId)
  const item = await getUserItem(client, subject as UserId)
  if (item?.deletingAt !== undefined) await eraseUserItem(client, item, now)
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

/** Those that count are on the user; the others are in the index. */
async function leaveAll(client: DynamoDBDocumentClient, user: UserId): Promise<void> {
  const networks = [...((await getUserItem(client, user))?.networks ?? [])]
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
  await forEach(await peersOfUser(client, user), (peer) => erasePeer(client, peer, now))
}

/** What an earlier run has removed is as it should be. */
async function leave(client: DynamoDBDocumentClient, network: NetworkId, user: UserId): Promise<void> {
  try {
    await removeMembership(client, network, user, { lastOwnerToo: true })
  } catch (error) {
    if (!(error instanceof StraightwayError && error.status === 404)) throw error
  }
}
