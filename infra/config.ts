/**
 * What one deployment is told, with defaults that suit a first one. `environments.ts` names several.
 *
 * Cost notes are for us-east-1 without load; `npm run cost` computes them with it. The defaults come to about 100 dollars
 * a month, most of it two nodes, one relay and their public IPv4 addresses.
 */
import { z } from 'zod'
import { StraightwayError } from '../shared/errors.ts'

/** Graviton: what the node asset and its start script are made for. */
const instance = z
  .string()
  .regex(/^(t4g|[cmr][6-8]g[a-z]*)\.\w+$/, 'not a Graviton instance type, such as t4g.small or c7gn.medium')

interface GroupDefaults {
  readonly instance: string
  readonly min: number
  readonly max: number
  readonly drainMinutes: number
}

/** Every field has a default of its own, so a team names only what it changes. */
const group = (defaults: GroupDefaults) =>
  z
    .strictObject({
      instance: instance.default(defaults.instance),
      min: z.int().min(1).default(defaults.min),
      max: z.int().min(2).default(defaults.max),
      /** The average load of the fleet that autoscaling aims for, 0 to 1. */
      targetLoad: z.number().min(0.2).max(0.9).default(0.6),
      /** How long an ending node waits for its peers and tunnels to move; two hours at most. */
      drainMinutes: z.int().min(1).max(120).default(defaults.drainMinutes),
    })
    .refine(({ min, max }) => max > min, 'max must exceed min: an update starts a node before it ends one')

const api = z
  .strictObject({
    /** For all clients together. Requests above it are answered 429. An account allows 10,000. */
    requestsPerSecond: z.int().min(1).default(2000),
    burst: z.int().min(1).default(4000),
    /**
     * The part of the rate that each route without a credential may use, 0 to 1. `POST /v1/tickets` is one of them: it
     * bounds how many peers can sign in for the first time in a second.
     */
    openShare: z.number().min(0.01).max(1).default(0.5),
    /** Requests of one IP address within five minutes, held by the WAF: 6 dollars a month and 0.60 a million requests. */
    requestsPerAddress: z.int().min(100).default(3000),
    waf: z.boolean().default(true),
    /** Messages that peers without UDP may send through the WebSocket API in a second, all together. */
    gatewayMessagesPerSecond: z.int().min(1).default(2000),
    gatewayBurst: z.int().min(1).default(4000),
    /** Lambdas that a flood from outside can run at the same time; `none` if the account has too few (new ones have 10). */
    concurrency: z
      .union([
        z.strictObject({ rest: z.int().min(1).default(200), gateway: z.int().min(1).default(50) }),
        z.literal('none'),
      ])
      .prefault({}),
    /**
     * Access logs need a role that belongs to the account and region, not to one API. `make` makes one; `exists` relies on
     * the one that `aws apigateway get-account` names.
     */
    accountRole: z.enum(['make', 'exists']).default('make'),
  })
  .prefault({})

const newVpc = z.strictObject({
  /** Of the VPC, /16 to /24; it must not overlap with networks that the VPC is peered with. */
  cidr: z.cidrv4().default('10.0.0.0/16'),
  /** Availability zones that nodes are spread over. */
  zones: z.int().min(2).max(3).default(2),
})

const existingVpc = z.strictObject({
  vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, 'not the id of a VPC'),
  /** Public subnets, one a zone, that assign public IPv4 addresses; IPv6 is used if they have it. */
  subnets: z
    .array(z.strictObject({ id: z.string().regex(/^subnet-[0-9a-f]+$/), zone: z.string().min(1) }))
    .min(2),
})

const network = z.union([newVpc, existingVpc])

/** How the account was bootstrapped, if not by a plain `cdk bootstrap`. */
const bootstrap = z.strictObject({
  qualifier: z
    .string()
    .regex(/^[a-z0-9]{1,10}$/)
    .optional(),
  /** ARN of the customer key of the bootstrap bucket: instances download from it. */
  bucketKey: z.string().startsWith('arn:').optional(),
})

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'not a region of AWS, such as eu-west-1')

const regions = z
  .strictObject({
    /** All writes are made here: INDEX, the gateway, the tables of the fleet. */
    home: region,
    /** Nodes and relays near those who are far from home, and a replica of all that must not be lost. */
    second: region,
    /** Home is lost, and the second region takes its place: infra/README.md says how. ARNs of the streams of its replicas. */
    promoted: z.strictObject({ streams: z.array(z.string().startsWith('arn:')) }).optional(),
  })
  .refine(({ home, second }) => home !== second, 'the second region must be another one than home')

const fields = z.strictObject({
  /** Part of every physical name, so several systems live in one account. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, 'at most 16 small letters, digits and dashes'),
  /** Tables and keys outlive their stack, and cannot be deleted by mistake. */
  retain: z.boolean().default(true),
  /** Point-in-time recovery: 0.20 dollars a GB and month, whatever the number of days. */
  backupDays: z.int().min(1).max(35).default(35),
  /** CloudWatch keeps logs this long: 0.03 dollars a GB and month. */
  logDays: z.union([1, 3, 7, 14, 30, 60, 90, 180, 365].map((days) => z.literal(days))).default(30),
  /** X-Ray: 5 dollars a million traces, of which it samples one request a second and 5 % of the rest. */
  tracing: z.boolean().default(false),
  api,
  /** Further names under which proxies before the APIs are dialled: proofs made for them are accepted. Default: none. */
  hosts: z.array(z.string().min(1)).default([]),
  /** The team's identity provider: ID tokens enrol peers. */
  oidc: z.strictObject({ issuer: z.url(), audience: z.string().min(1) }).optional(),
  /** Of INDEX, at a certificate of ACM in the same region; its DNS record is the team's. */
  domain: z.strictObject({ name: z.hostname(), certificateArn: z.string().startsWith('arn:') }).optional(),
  /** CHECKPOINT, HANDSHAKE, STUN. Two at least, as STUN needs a pair: 12.26 dollars a t4g.small, 3.65 its IPv4 address. */
  nodes: group({ instance: 't4g.small', min: 2, max: 6, drainMinutes: 10 })
    .refine(({ min }) => min >= 2, 'STUN needs a pair: at least two nodes')
    .prefault({}),
  /** About 46 dollars a c7gn.medium that carries 3 Gbit/s; what it sends costs more than it does (0.09 dollars a GB). */
  relays: group({ instance: 'c7gn.medium', min: 1, max: 10, drainMinutes: 60 }).prefault({}),
  /** The VPC of the nodes: a new one, or one that the team has. In a second region the same settings apply. */
  network: network.prefault({}),
  /**
   * Two regions instead of one. The second costs its nodes and relays (about 100 dollars a month idle, as at home), each write of a
   * replicated table once more, and 0.02 dollars a GB between the two; `npm run cost -- --regions 2` computes it.
   */
  regions: regions.optional(),
  /** Keys that sign tickets and join the fleet are replaced after this many days. */
  keyDays: z.int().min(7).max(365).default(90),
  /** Alarms, failures of machines and the budget write to this address. Without one nobody is told. */
  alarmEmail: z.email().optional(),
  /** Tags of every resource, beside `straightway`, which names the environment. */
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  /** ARN of a managed policy that bounds every role. */
  permissionsBoundary: z.string().startsWith('arn:').optional(),
  bootstrap: bootstrap.prefault({}),
  /** Told at 80 % and when the forecast exceeds it. */
  monthlyBudgetDollars: z.number().positive().default(300),
  /** What an emulator of AWS cannot say by itself: where its management API of WebSocket connections is. */
  emulator: z.strictObject({ endpoint: z.url() }).optional(),
})

const schema = fields.refine(
  ({ regions, emulator }) => regions === undefined || emulator === undefined,
  'an emulator has one region: leave `regions` out',
)

export type Config = z.infer<typeof schema>
export type ConfigInput = z.input<typeof schema>
export type GroupConfig = Config['nodes']

/** Where a system is. */
export interface Places {
  /** Where everything is written; wherever it is deployed without. */
  readonly home?: string
  /** Has nodes, and replicas. */
  readonly second?: string
  /** Home was the second region: its replicas are there already, with these streams. */
  readonly adopted?: readonly string[]
}

export type TwoRegions = Required<Pick<Places, 'home' | 'second'>>

export function placesOf({ regions }: Pick<Config, 'regions'>): Places {
  if (regions === undefined) return {}
  const { home, second, promoted } = regions
  return promoted === undefined ? { home, second } : { home: second, adopted: promoted.streams }
}

/** Errors: `bad-request` naming each field that is wrong. */
export function parseConfig(input: ConfigInput): Config {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new StraightwayError(
    'bad-request',
    `The configuration is not valid. ${z.prettifyError(parsed.error)}`,
  )
}

/** Physical names begin with it; so do those of tables, which the code is told as STRAIGHTWAY_TABLE_PREFIX. */
export function prefixOf({ name }: Pick<Config, 'name'>): string {
  return `straightway-${name}-`
}
