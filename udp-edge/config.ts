/**
 * What a node is told at its start, as one JSON value in STRAIGHTWAY_NODE: by `local` on one machine, by the instance's
 * start script in the cloud. Secrets come this way so that they are never on disk.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { StraightwayError } from '../shared/errors.ts'

const ip = z.string().refine((text) => isIP(text) !== 0, 'not an IP address')
const port = z.int().min(0).max(65535)
const key = z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'not 32 bytes')

const schema = z.object({
  roles: z.array(z.enum(['checkpoint', 'handshake', 'stun', 'relay'])).min(1),
  /** The address to bind, and the one the world sees where a 1:1 NAT stands between (an elastic IP). */
  address: ip,
  publicAddress: ip.optional(),
  /** Where it is reached over IPv6 as well, with the same ports: `address` is `::` then. */
  publicIpv6: z.ipv6().optional(),
  /** Where it stands, for peers and nodes that look for who is near; not told where all stand in one place. */
  region: z.string().min(1).optional(),
  /** UDP, and `relayTls` TCP: without, the relay serves no peer whose UDP is dropped. Port 0 lets the system choose; the lease says which. */
  ports: z.object({
    checkpoint: port,
    handshake: port,
    stun: z.tuple([port, port]),
    relay: port,
    relayTls: port.optional(),
  }),
  /** `ip:port` of the partner's primary STUN socket, and its alternate port. */
  partner: z.object({ address: z.string(), alternatePort: port }).optional(),
  /** Newest first. */
  fleetKeys: z.array(key).min(1),
  /** kid to Ed25519 public key, base32: those that sign tickets. */
  ticketKeys: z.record(z.string(), z.string()),
  /** WebSocket URL of the gateway through which the streams reach this node. */
  gateway: z.url().optional(),
  /** Sign-ins in a second above which peers have to show first that they receive at their address; 200 without, 0 for always. */
  cookiesAbove: z.int().min(0).optional(),
  /** Without, or with `auto`, the kernel forwards for the relay where this process may tell it to; with `process` it never does. */
  relayPath: z.enum(['auto', 'process']).optional(),
  /** How long peers and tunnels may take to move away after SIGTERM. */
  drainMs: z.int().min(0).default(60_000),
  /** Told nowhere without. */
  metrics: z
    .object({
      /** In the log, for CloudWatch, with this as the dimension `System`. */
      system: z.string().min(1).optional(),
      /** For Prometheus: where `GET /metrics` is answered. Whoever reaches it may read it. */
      listen: z.object({ host: ip, port }).optional(),
    })
    .optional(),
  dynamodb: z.object({ endpoint: z.url().optional(), region: z.string().optional() }),
})

/** What changes while a node runs: keys are rotated. */
const keysSchema = schema.pick({ fleetKeys: true, ticketKeys: true })

export type NodeConfig = z.infer<typeof schema>
export type NodeKeys = z.infer<typeof keysSchema>
export type Role = NodeConfig['roles'][number]

/** Throws `bad-request` naming each field that is wrong. */
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

/** One line of JSON that a running node is told. Throws `bad-request`. */
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
