/**
 * The process that systemd starts on an instance. It assembles the node's configuration, starts the node as a child process,
 * and makes the autoscaling group wait while the node drains. It exits with the node's exit code, and systemd restarts both.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { given, nodeConfig, nodeKeys } from './facts.ts'
import { KeyWatch } from './key-watch.ts'
import { Lifecycle } from './lifecycle.ts'
import { createMetadata } from './metadata.ts'

/** The node's process, in the same folder of the asset. */
const MAIN = join(import.meta.dirname, 'main.mjs')
const LOOK_EVERY_MS = 5_000
/** Interval of key reads. It may be long, because a new key is not used for a day (functions/keys/rotate.ts). */
const KEYS_EVERY_MS = 30 * 60_000

const { env } = process
const log = (what: string, error?: unknown) => {
  const detail = error instanceof Error ? error.message : error
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), what, detail })}\n`)
}

const metadata = createMetadata(env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? 'http://169.254.169.254')
const region = env.AWS_REGION ?? (await metadata.read('meta-data/placement/region')) ?? ''
const secrets = new SecretsManagerClient({ region: env.HOME_REGION ?? region })
const config = await nodeConfig(env, metadata, secrets)
const node = spawn(process.execPath, [MAIN], {
  env: { ...env, AWS_REGION: region, STRAIGHTWAY_NODE: JSON.stringify(config), STRAIGHTWAY_WATCH_STDIN: '1' },
  stdio: ['pipe', 'pipe', 'inherit'],
})
node.stdout.pipe(process.stdout)
const keys = new KeyWatch({
  known: config,
  read: () => nodeKeys(env, secrets),
  tell: (changed) => node.stdin.write(`${JSON.stringify(changed)}\n`),
  everyMs: Number(env.KEYS_EVERY_MS ?? KEYS_EVERY_MS),
  log,
})
const lifecycle = new Lifecycle({
  metadata,
  scaling: new AutoScalingClient({ region }),
  group: given(env, 'GROUP'),
  hooks: { serve: given(env, 'SERVE_HOOK'), drain: given(env, 'DRAIN_HOOK') },
  everyMs: Number(env.LIFECYCLE_EVERY_MS ?? LOOK_EVERY_MS),
  onEnding: () => node.kill('SIGTERM'),
  log,
})
// The first output of a node is the line with its addresses, printed when it serves.
node.stdout.once('data', () => lifecycle.serves())
process.on('SIGTERM', () => node.kill('SIGTERM'))
const [code] = (await once(node, 'exit')) as [number | null]
keys.close()
await lifecycle.close()
process.exitCode = code ?? 1
