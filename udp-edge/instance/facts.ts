/**
 * Assembles the configuration of an instance's node. Addresses and region come from the instance metadata, fleet keys from
 * Secrets Manager, and ticket keys from INDEX. The rest comes from the launch template, as environment variables:
 *
 *   ROLES            of the node, separated by commas
 *   FLEET_SECRET     ARN
 *   INDEX_URL, GATEWAY_URL
 *   HOME_REGION      where tables and secrets are, if not here
 *   GROUP, SERVE_HOOK, DRAIN_HOOK   the autoscaling group, and its hooks at the start and the end of an instance
 *   DRAIN_MS         how long what the node carries may take to move
 *   STRAIGHTWAY_TABLE_PREFIX
 *   SYSTEM           dimension of the metrics that the node tells in its log
 */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { fleetKeysOf } from '../../shared/secrets.ts'
import { readVersions } from '../../shared/store/secret-versions.ts'
import { COMMON_PORTS } from '../../shared/wire/common-port.ts'
import type { NodeConfig, NodeKeys, Role } from '../config.ts'
import type { Metadata } from './metadata.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Ports of a node, the same on every instance. Security group, packet filter and documentation name them too. `relayTls` is
 * 443, because networks that drop UDP let TCP 443 through.
 */
export const PORTS: NodeConfig['ports'] = {
  checkpoint: 3480,
  handshake: 3481,
  stun: [3478, 3479],
  relay: 3482,
  relayTls: 443,
  common: [...COMMON_PORTS],
}

/** Wildcard of sockets for IPv4 and IPv6. */
const BOTH_FAMILIES = '::'
/** Address of the metrics. Only the instance itself reaches it; `aws ssm start-session` forwards it to authorised users. */
const METRICS = { host: '127.0.0.1', port: 9464 }

const bootstrapSchema = z.object({
  ticketKeys: z.array(z.object({ kid: z.string(), publicKey: z.string() })).min(1),
})

/** The node's configuration, for STRAIGHTWAY_NODE. Errors: `unavailable` if a part of it cannot be read now. */
export async function nodeConfig(
  env: Environment,
  metadata: Metadata,
  secrets: SecretsManagerClient,
): Promise<NodeConfig> {
  const [address, publicAddress, ipv6, region, keys] = await Promise.all([
    fact(metadata, 'meta-data/local-ipv4'),
    fact(metadata, 'meta-data/public-ipv4'),
    metadata.read('meta-data/ipv6'),
    fact(metadata, 'meta-data/placement/region'),
    nodeKeys(env, secrets),
  ])
  return {
    roles: given(env, 'ROLES').split(',') as Role[],
    address: ipv6 === undefined ? address : BOTH_FAMILIES,
    publicAddress,
    ...(ipv6 !== undefined && { publicIpv6: ipv6 }),
    ports: PORTS,
    region,
    drainMs: Number(given(env, 'DRAIN_MS')),
    ...keys,
    gateway: given(env, 'GATEWAY_URL'),
    metrics: { system: given(env, 'SYSTEM'), listen: METRICS },
    dynamodb: env.DYNAMODB_ENDPOINT
      ? { endpoint: env.DYNAMODB_ENDPOINT }
      : { region: env.HOME_REGION ?? region },
  }
}

/** The current keys, which are rotated while the node runs. Errors: `unavailable`. */
export async function nodeKeys(env: Environment, secrets: SecretsManagerClient): Promise<NodeKeys> {
  const [ticketKeys, fleetKeys] = await Promise.all([
    readTicketKeys(given(env, 'INDEX_URL')),
    readVersions(secrets, given(env, 'FLEET_SECRET')).then(fleetKeysOf),
  ])
  return { ticketKeys, fleetKeys }
}

/** The value of an environment variable. Errors: `bad-request`, which names the variable, if it is missing. */
export function given(env: Environment, name: string): string {
  const value = env[name]
  if (value) return value
  throw new StraightwayError('bad-request', `${name} is not set: the launch template sets it.`)
}

async function fact(metadata: Metadata, path: string): Promise<string> {
  const value = await metadata.read(path)
  if (value !== undefined) return value
  throw new StraightwayError('unavailable', `Instance metadata has no ${path}`)
}

/** The ticket keys that `GET /v1/bootstrap` publishes: kid to public key. Errors: `unavailable`. */
export async function readTicketKeys(index: string): Promise<Record<string, string>> {
  const response = await fetch(`${index}/v1/bootstrap`, { signal: AbortSignal.timeout(10_000) })
  const parsed = bootstrapSchema.safeParse(response.ok ? await response.json() : undefined)
  if (!parsed.success) throw new StraightwayError('unavailable', `${index} answered ${response.status}`)
  return Object.fromEntries(parsed.data.ticketKeys.map(({ kid, publicKey }) => [kid, publicKey]))
}
