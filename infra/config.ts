/**
 * The configuration of one deployment. The defaults suit a first deployment; `environments.ts` lists the named ones.
 *
 * Costs in the comments are for us-east-1 without load; `npm run cost` computes them with load. The defaults come to about
 * 100 dollars a month, most of it for two nodes, one relay and their public IPv4 addresses.
 */
import { z } from 'zod'
import { StraightwayError } from '../shared/errors.ts'

/** A Graviton (arm64) instance type: the start script and the AMI are for arm64. */
const instance = z
  .string()
  .regex(/^(t4g|[cmr][6-8]g[a-z]*)\.\w+$/, 'not a Graviton instance type, such as t4g.small or c7gn.medium')

interface GroupDefaults {
  readonly instance: string
  readonly min: number
  readonly max: number
  readonly drainMinutes: number
}

/** Settings of an autoscaling group. Every field has its own default, so a team names only what it changes. */
const group = (defaults: GroupDefaults) =>
  z
    .strictObject({
      instance: instance.default(defaults.instance),
      /** Fewest instances. */
      min: z.int().min(1).default(defaults.min),
      /** Most instances. It must exceed `min`, because an update starts a node before it ends one. */
      max: z.int().min(2).default(defaults.max),
      /** The average load of the fleet that autoscaling aims for, 0 to 1. */
      targetLoad: z.number().min(0.2).max(0.9).default(0.6),
      /** Minutes that an ending node waits for its peers and tunnels to move: 1 to 120. */
      drainMinutes: z.int().min(1).max(120).default(defaults.drainMinutes),
    })
    .refine(({ min, max }) => max > min, 'max must exceed min: an update starts a node before it ends one')

const api = z
  .strictObject({
    /** Requests per second to INDEX, for all clients together; above it API Gateway answers 429. An account allows 10,000. */
    requestsPerSecond: z.int().min(1).default(2000),
    /** Requests that may exceed `requestsPerSecond` for a moment. */
    burst: z.int().min(1).default(4000),
    /**
     * Share of the rate that each route without a credential may use, 0.01 to 1. `POST /v1/tickets` is such a route, so this
     * bounds how many peers per second can sign in for the first time.
     */
    openShare: z.number().min(0.01).max(1).default(0.5),
    /** Requests that one IP address may send within five minutes; above it the WAF answers 429. */
    requestsPerAddress: z.int().min(100).default(3000),
    /** A WAF in front of INDEX: 8 dollars a month, and 0.60 dollars a million requests. */
    waf: z.boolean().default(true),
    /** Messages per second through the WebSocket API, for all peers without UDP together. */
    gatewayMessagesPerSecond: z.int().min(1).default(2000),
    /** Messages that may exceed `gatewayMessagesPerSecond` for a moment. */
    gatewayBurst: z.int().min(1).default(4000),
    /**
     * Reserved concurrency of the functions that anybody can call: of `rest`, and of each of the three gateway functions.
     * `none` reserves nothing, for accounts with few Lambdas (new accounts have 10).
     */
    concurrency: z
      .union([
        z.strictObject({ rest: z.int().min(1).default(200), gateway: z.int().min(1).default(50) }),
        z.literal('none'),
      ])
      .prefault({}),
    /**
     * The role with which API Gateway writes access logs. It belongs to the account and region, not to one API. `make`
     * creates it; `exists` relies on the role that `aws apigateway get-account` shows.
     */
    accountRole: z.enum(['make', 'exists']).default('make'),
  })
  .prefault({})

const newVpc = z.strictObject({
  /** IPv4 range of the VPC, /16 to /24. It must not overlap with networks that the VPC is peered with. */
  cidr: z.cidrv4().default('10.0.0.0/16'),
  /** Number of availability zones that nodes are spread over. */
  zones: z.int().min(2).max(3).default(2),
})

const existingVpc = z.strictObject({
  vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, 'not the id of a VPC'),
  /** Public subnets that assign public IPv4 addresses, one per zone. IPv6 is used if they have it. */
  subnets: z
    .array(z.strictObject({ id: z.string().regex(/^subnet-[0-9a-f]+$/), zone: z.string().min(1) }))
    .min(2),
})

const network = z.union([newVpc, existingVpc])

/** Options of the account's `cdk bootstrap`, if it was not a plain one. */
const bootstrap = z.strictObject({
  qualifier: z
    .string()
    .regex(/^[a-z0-9]{1,10}$/)
    .optional(),
  /** ARN of the customer-managed KMS key of the bootstrap bucket, from which instances download their files. Default: none. */
  bucketKey: z.string().startsWith('arn:').optional(),
})

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'not a region of AWS, such as eu-west-1')

const regions = z
  .strictObject({
    /** The region of INDEX, the gateway and the fleet's tables. All writes are made here. */
    home: region,
    /** A region with nodes and relays for peers far from home, and a replica of all data that must not be lost. */
    second: region,
    /**
     * Makes the second region the home, after the first one is lost (infra/README.md has the steps). `streams`: ARNs of the
     * streams of the replicas in the second region.
     */
    promoted: z.strictObject({ streams: z.array(z.string().startsWith('arn:')) }).optional(),
  })
  .refine(({ home, second }) => home !== second, 'the second region must be another one than home')

const fields = z.strictObject({
  /** Name of the system. It is part of every physical name, so one account can hold several systems. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,15}$/, 'at most 16 small letters, digits and dashes'),
  /** Keeps tables and keys when their stack is deleted, and protects tables and the data stack from deletion. */
  retain: z.boolean().default(true),
  /** Days of point-in-time recovery: 0.20 dollars per GB and month, whatever the number of days. */
  backupDays: z.int().min(1).max(35).default(35),
  /** Days that CloudWatch keeps logs: 0.03 dollars per GB and month. */
  logDays: z.union([1, 3, 7, 14, 30, 60, 90, 180, 365].map((days) => z.literal(days))).default(30),
  /** X-Ray tracing: 5 dollars per million traces. X-Ray samples one request a second and 5 % of the rest. */
  tracing: z.boolean().default(false),
  api,
  /** Additional host names of the APIs, such as those of proxies in front. Proofs made for them are accepted. Default: none. */
  hosts: z.array(z.string().min(1)).default([]),
  /** The team's identity provider, whose ID tokens enrol peers. Default: none. */
  oidc: z.strictObject({ issuer: z.url(), audience: z.string().min(1) }).optional(),
  /** Domain of INDEX, with an ACM certificate in the same region. The team creates the DNS record. Default: none. */
  domain: z.strictObject({ name: z.hostname(), certificateArn: z.string().startsWith('arn:') }).optional(),
  /**
   * Nodes with the roles CHECKPOINT, HANDSHAKE and STUN. At least two, because STUN needs a pair. A t4g.small costs 12.26
   * dollars a month, its IPv4 address 3.65.
   */
  nodes: group({ instance: 't4g.small', min: 2, max: 6, drainMinutes: 10 })
    .refine(({ min }) => min >= 2, 'STUN needs a pair: at least two nodes')
    .prefault({}),
  /**
   * Relays. A c7gn.medium costs about 46 dollars a month and carries 3 Gbit/s; its traffic to the internet costs more than
   * the instance (0.09 dollars a GB).
   */
  relays: group({ instance: 'c7gn.medium', min: 1, max: 10, drainMinutes: 60 }).prefault({}),
  /** The VPC of the nodes: a new one, or an existing one of the team. A second region uses the same settings. */
  network: network.prefault({}),
  /**
   * Two regions instead of one. Default: the one region of the deployment. `npm run cost -- --regions 2` computes the cost
   * of the second:
   *
   * - its nodes and relays: about 100 dollars a month without load, as at home
   * - each write to a replicated table once more
   * - 0.02 dollars a GB between the regions
   */
  regions: regions.optional(),
  /**
   * Two peers outside the VPC that sign in, talk and open a relayed tunnel once a minute, and an alarm if that fails: about
   * a dollar and a half a month, with its seed.
   */
  canary: z.boolean().default(true),
  /** Age in days at which the keys that sign tickets and join the fleet are replaced. */
  keyDays: z.int().min(7).max(365).default(90),
  /** E-mail address for alarms, failed launches of instances, and the budget. Default: nobody is notified. */
  alarmEmail: z.email().optional(),
  /** Tags of every resource, in addition to `straightway`, which holds the system's name. */
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  /** ARN of a managed policy that is the permissions boundary of every role. Default: none. */
  permissionsBoundary: z.string().startsWith('arn:').optional(),
  bootstrap: bootstrap.prefault({}),
  /** Monthly budget in dollars. It notifies at 80 % of it, and when the forecast exceeds it. */
  monthlyBudgetDollars: z.number().positive().default(300),
  /** An AWS emulator's endpoint, which serves its APIs and the management of WebSocket connections. Default: AWS itself. */
  emulator: z.strictObject({ endpoint: z.url() }).optional(),
})

const schema = fields.refine(
  ({ regions, emulator }) =>
    emulator === undefined || regions === undefined || regions.promoted !== undefined,
  'an emulator has no second region beside its first: leave `regions` out, or set `regions.promoted`',
)

export type Config = z.infer<typeof schema>
export type ConfigInput = z.input<typeof schema>
export type GroupConfig = Config['nodes']

/** The regions of a system. */
export interface Places {
  /** The region where everything is written. Undefined: the region of the deployment. */
  readonly home?: string
  /** The region with further nodes and replicas. */
  readonly second?: string
  /** Streams of existing replicas. Set if `home` was the second region and has been promoted. */
  readonly adopted?: readonly string[]
}

export type TwoRegions = Required<Pick<Places, 'home' | 'second'>>

export function placesOf({ regions }: Pick<Config, 'regions'>): Places {
  if (regions === undefined) return {}
  const { home, second, promoted } = regions
  return promoted === undefined ? { home, second } : { home: second, adopted: promoted.streams }
}

/** Checks a configuration and fills in its defaults. Errors: `bad-request`, which names each wrong field. */
export function parseConfig(input: ConfigInput): Config {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new StraightwayError(
    'bad-request',
    `The configuration is not valid. ${z.prettifyError(parsed.error)}`,
  )
}

/** Prefix of all physical names. Code finds tables with it, from the variable STRAIGHTWAY_TABLE_PREFIX. */
export function prefixOf({ name }: Pick<Config, 'name'>): string {
  return `straightway-${name}-`
}
