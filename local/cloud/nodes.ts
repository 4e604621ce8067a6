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

export async function startNodes(
  { endpoint, index, gateway }: Pick<Deployed, 'endpoint' | 'index' | 'gateway'>,
  log: (line: string) => void,
): Promise<Nodes> {
  process.env.STRAIGHTWAY_TABLE_PREFIX = PREFIX
  const secrets = new SecretsManagerClient(connection(endpoint))
  const base = {
    fleetKeys: fleetKeysOf(await readVersions(secrets, `${PREFIX}fleet-key`)),
    ticketKeys: await readTicketKeys(index),
    gateway,
    drainMs: DRAIN_MS,
    dynamodb: { endpoint, region: connection(endpoint).region },
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
