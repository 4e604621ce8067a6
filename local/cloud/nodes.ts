/**
 * The nodes of a deployed system, as processes of this machine. They get the facts that an instance gets, and register
 * where an instance would.
 */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { fleetKeysOf } from '../../shared/secrets.ts'
import { readVersions } from '../../shared/store/secret-versions.ts'
import { readTicketKeys } from '../../udp-edge/instance/facts.ts'
import { chooseHosts } from '../hosts.ts'
import { NodeProcess, type Ready } from '../nodes.ts'
import { pairConfigs } from '../system.ts'
import { connection } from './cdk.ts'
import type { Deployed } from './deployed.ts'
import { PREFIX } from './names.ts'

const DRAIN_MS = 3_000

export interface Nodes {
  /** Facts about the two nodes and the relay. */
  readonly ready: readonly Ready[]
  close(): Promise<void>
}

/** A deployed system that nodes register in. */
export interface Place extends Pick<Deployed, 'endpoint' | 'index' | 'gateway'> {
  /** Default: us-east-1. */
  readonly region?: string
  /** Prefix of the names of tables and secrets. Default: that of the environment `emulator`. */
  readonly prefix?: string
}

export async function startNodes(
  { endpoint, index, gateway, region, prefix = PREFIX }: Place,
  log: (line: string) => void,
): Promise<Nodes> {
  process.env.STRAIGHTWAY_TABLE_PREFIX = prefix
  const aws = connection(endpoint, region)
  const secrets = new SecretsManagerClient(aws)
  const base = {
    fleetKeys: fleetKeysOf(await readVersions(secrets, `${prefix}fleet-key`)),
    ticketKeys: await readTicketKeys(index),
    gateway,
    drainMs: DRAIN_MS,
    dynamodb: { endpoint, region: aws.region },
  }
  secrets.destroy()
  const hosts = await chooseHosts(undefined, true)
  const configs = [...pairConfigs(base, hosts.nodes), { ...base, ...hosts.relay, roles: ['relay' as const] }]
  const nodes = await Promise.all(configs.map((config) => NodeProcess.start(config, log)))
  return {
    ready: nodes.map(({ ready }) => ready),
    close: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  }
}
