/**
 * Plays one round of the canary once a minute, and publishes it as metrics (CloudWatch embedded metric format): `Canary` is 1
 * for a whole round and 0 for one that failed.
 *
 *   SYSTEM        the dimension that tells systems in one account apart
 *   INDEX_URL     INDEX as peers know it
 *   SEED_SECRET   ARN of the secret from which the identities of its peers are derived
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { ScheduledEvent } from 'aws-lambda'
import { type Environment, fromEnvironment, required } from '../functions/environment.ts'
import { createClient } from '../shared/store/client.ts'
import { inviteBoth } from './enrol.ts'
import { type Song, SongError, sing } from './song.ts'

export interface CanaryContext {
  readonly system: string
  readonly sing: () => Promise<Song>
  /** Prints a line that CloudWatch reads as metrics. */
  readonly print: (line: string) => void
  readonly log: (line: string) => void
  readonly now: () => number
}

/** Longest round. A healthy one takes about a second. */
const ROUND_MS = 30_000
const NAMESPACE = 'Straightway'

export interface CanaryResult {
  readonly ok: boolean
  /** The failed step and its error. */
  readonly detail?: string
}

export function createCanary({ system, sing, print, log, now }: CanaryContext) {
  const publish = (metrics: Readonly<Record<string, number>>) =>
    print(JSON.stringify(embedded(system, metrics, now())))
  return async (_event: ScheduledEvent): Promise<CanaryResult> => {
    try {
      const { signInMs, messageMs, tunnelMs } = await sing()
      publish({ Canary: 1, CanarySignInMs: signInMs, CanaryMessageMs: messageMs, CanaryTunnelMs: tunnelMs })
      return { ok: true }
    } catch (error) {
      const detail = error instanceof SongError ? error.message : String(error)
      publish({ Canary: 0 })
      log(`the canary failed at ${detail}`)
      return { ok: false, detail }
    }
  }
}

export const handler = fromEnvironment(contextFrom, createCanary)

function embedded(System: string, metrics: Readonly<Record<string, number>>, Timestamp: number) {
  const Metrics = Object.keys(metrics).map((Name) => ({ Name }))
  const CloudWatchMetrics = [{ Namespace: NAMESPACE, Dimensions: [['System']], Metrics }]
  return { _aws: { Timestamp, CloudWatchMetrics }, System, ...metrics }
}

function contextFrom(env: Environment): CanaryContext {
  const index = required(env, 'INDEX_URL')
  const secret = required(env, 'SEED_SECRET')
  const client = createClient({ endpoint: env.DYNAMODB_ENDPOINT })
  const secrets = new SecretsManagerClient()
  const read = async () =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: secret }))).SecretString ?? ''
  let seed: string | undefined
  return {
    system: required(env, 'SYSTEM'),
    async sing() {
      seed ??= await read()
      const signal = AbortSignal.timeout(ROUND_MS)
      return sing({ index, seed, invite: () => inviteBoth(client, Date.now()), signal })
    },
    // The runtime wraps what is written to `console`, which CloudWatch would not read as metrics.
    print: (line) => void process.stdout.write(`${line}\n`),
    log: (line) => console.error(line),
    now: Date.now,
  }
}
