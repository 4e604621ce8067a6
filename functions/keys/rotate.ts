/**
 * Replaces old keys once a day, in two steps, without ending a session.
 *
 *   1. A `pending` version is made. Functions and nodes read keys again while they run: within half an hour they
 *      publish and accept it.
 *   2. At the next run, a day later, it becomes `current`: it signs and seals. The version before it becomes
 *      `previous`, and is accepted until the next rotation. The last ticket made with it, which nodes accept for six
 *      days, has ended by then: a key is replaced after seven days at the earliest.
 *
 *   SECRETS   ARNs, separated by commas
 *   KEY_DAYS  age at which a key is replaced
 */
import {
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  type SecretVersionsListEntry,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { type Environment, fromEnvironment, required } from '../environment.ts'

export interface RotationContext {
  readonly secrets: readonly string[]
  readonly keyMs: number
  readonly client: Pick<SecretsManagerClient, 'send'>
  readonly now: () => number
}

const DAY_MS = 24 * 3600_000
/** A run that comes a little early promotes too. One that did not would shorten the time between two promotions. */
const PENDING_MS = 23 * 3600_000

/** The next step for a secret with these versions. */
export function stepFor(
  versions: readonly SecretVersionsListEntry[],
  keyMs: number,
  now: number,
): 'prepare' | 'promote' | 'wait' {
  const current = versions.find(({ VersionStages }) => VersionStages?.includes('AWSCURRENT'))
  const pending = versions.find(({ VersionStages }) => VersionStages?.includes('AWSPENDING'))
  if (pending !== undefined) return ageOf(pending, now) >= PENDING_MS ? 'promote' : 'wait'
  return current !== undefined && ageOf(current, now) >= keyMs ? 'prepare' : 'wait'
}

/** Tries every secret. Rejects afterwards if any failed. */
export function createRotation(context: RotationContext) {
  return middy<ScheduledEvent, Readonly<Record<string, string>>>().handler(async () => {
    const steps = await Promise.allSettled(context.secrets.map((secret) => rotate(context, secret)))
    for (const step of steps) if (step.status === 'rejected') throw step.reason
    return Object.fromEntries(
      steps.flatMap((step, at) => (step.status === 'fulfilled' ? [[context.secrets[at]!, step.value]] : [])),
    )
  })
}

export const handler = fromEnvironment(contextFrom, createRotation)

async function rotate({ client, keyMs, now }: RotationContext, SecretId: string) {
  const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId }))
  const step = stepFor(Versions, keyMs, now())
  if (step === 'prepare') await prepare(client, SecretId)
  if (step === 'promote') await promote(client, SecretId)
  return step
}

async function prepare(client: RotationContext['client'], SecretId: string): Promise<void> {
  const password = new GetRandomPasswordCommand({ PasswordLength: 43, ExcludePunctuation: true })
  const { RandomPassword } = await client.send(password)
  await client.send(
    new PutSecretValueCommand({ SecretId, SecretString: RandomPassword, VersionStages: ['AWSPENDING'] }),
  )
}

/** Moves AWSCURRENT to the pending version. Secrets Manager moves AWSPREVIOUS to the version that had it. */
async function promote(client: RotationContext['client'], SecretId: string): Promise<void> {
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }))
  const idOf = (stage: string) => Object.entries(VersionIdsToStages).find(([, on]) => on.includes(stage))?.[0]
  const [current, pending] = [idOf('AWSCURRENT'), idOf('AWSPENDING')]
  const move = { SecretId, MoveToVersionId: pending, RemoveFromVersionId: current }
  await client.send(new UpdateSecretVersionStageCommand({ ...move, VersionStage: 'AWSCURRENT' }))
  const clear = { SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: pending }
  await client.send(new UpdateSecretVersionStageCommand(clear))
}

function contextFrom(env: Environment): RotationContext {
  return {
    secrets: required(env, 'SECRETS').split(','),
    keyMs: Number(required(env, 'KEY_DAYS')) * DAY_MS,
    client: new SecretsManagerClient(),
    now: Date.now,
  }
}

const ageOf = ({ CreatedDate }: SecretVersionsListEntry, now: number): number =>
  now - (CreatedDate?.getTime() ?? now)
