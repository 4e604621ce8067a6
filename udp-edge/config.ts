/**
 * The configuration of a node, as one JSON value in the environment variable STRAIGHTWAY_NODE. `local` sets it on one
 * machine, the instance's start process in the cloud. It includes secrets, which are thereby never on disk.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { StraightwayError } from '../shared/errors.ts'

const ip = z.string().refine((text) => isIP(text) !== 0, 'not an IP address')
const port = z.int().min(0).max(65535)
const key = z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'not 32 bytes')

const schema = z.object({
  roles: z.array(z.enum(['checkpoint', 'handshake', 'stun', 'relay'])).min(1),
  /** IP address to bind. */
  address: ip,
  /** IP address that peers see behind a 1:1 NAT, such as an elastic IP. Default: `address`. */
  publicAddress: ip.optional(),
  /**
   * Public IPv6 address, with the same ports. If `address` is an IPv4 address, UDP is bound to this one too. If it is `::`,
   * both families are bound. Default: no IPv6.
   */
  publicIpv6: z.ipv6().optional(),
  /** Region of the node, for peers and nodes that look for a near one. Default: none, if all nodes are in one place. */
  region: z.string().min(1).optional(),
  /**
   * Ports: `relayTls` is TCP, the others UDP. Without `relayTls` the relay serves no peer whose network drops UDP. Port 0
   * lets the system choose, and the lease names the port.
   */
  ports: z.object({
    checkpoint: port,
    handshake: port,
    stun: z.tuple([port, port]),
    relay: port,
    relayTls: port.optional(),
    /** UDP ports at which all services are reached, besides their own ports. Peers try 443 and 3478. */
    common: z.array(port).optional(),
  }),
  /** `ip:port` of the STUN partner's primary socket, and its alternate port. Default: a partner is chosen from the fleet. */
  partner: z.object({ address: z.string(), alternatePort: port }).optional(),
  /** Fleet keys: 32 bytes each, base64, newest first. */
  fleetKeys: z.array(key).min(1),
  /** Keys that sign tickets: kid to Ed25519 public key, base32. */
  ticketKeys: z.record(z.string(), z.string()),
  /** WebSocket URL of the gateway through which pushes reach this node. Default: no pushes. */
  gateway: z.url().optional(),
  /**
   * Sign-ins per second above which a peer must first prove, with a cookie, that it receives at its address. 0: always.
   * Default: 200.
   */
  cookiesAbove: z.int().min(0).optional(),
  /** `auto` (default): the kernel forwards for the relay if this process has the permission. `process`: it never does. */
  relayPath: z.enum(['auto', 'process']).optional(),
  /** Time that peers and tunnels have to move away after SIGTERM. */
  drainMs: z.int().min(0).default(60_000),
  /** Publication of metrics. Default: none. */
  metrics: z
    .object({
      /** Value of the dimension `System` of metrics in the log, for CloudWatch. Default: none are written to the log. */
      system: z.string().min(1).optional(),
      /** Address at which `GET /metrics` answers Prometheus, to anybody who can reach it. Default: none. */
      listen: z.object({ host: ip, port }).optional(),
    })
    .optional(),
  dynamodb: z.object({ endpoint: z.url().optional(), region: z.string().optional() }),
})

/** The part of the configuration that changes while a node runs, because keys are rotated. */
const keysSchema = schema.pick({ fleetKeys: true, ticketKeys: true })

export type NodeConfig = z.infer<typeof schema>
export type NodeKeys = z.infer<typeof keysSchema>
export type Role = NodeConfig['roles'][number]

/** Parses STRAIGHTWAY_NODE. Throws `bad-request`, which names each wrong field. */
export function parseNodeConfig(text: string | undefined): NodeConfig {
  if (text === undefined || text === '') {
    throw new StraightwayError(
      'bad-request',
      'STRAIGHTWAY_NODE is empty: a node is started by `npm start` or by its instance.',
    )
  }
  const parsed = schema.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new StraightwayError('bad-request', `STRAIGHTWAY_NODE is not valid. ${z.prettifyError(parsed.error)}`)
}

/** Parses new keys, which a running node receives as one line of JSON. Throws `bad-request`. */
export function parseNodeKeys(line: string): NodeKeys {
  const parsed = keysSchema.safeParse(jsonOf(line))
  if (parsed.success) return parsed.data
  throw new StraightwayError('bad-request', `These are no keys. ${z.prettifyError(parsed.error)}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new StraightwayError('bad-request', 'What the node is told is not JSON.')
  }
}
