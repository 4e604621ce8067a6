/**
 * `npm run preflight` with recorded answers: it reports nothing about a healthy account, and names each broken precondition.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Config, type ConfigInput, parseConfig } from '../../infra/config.ts'
import type { CheckName } from '../../infra/preflight/check.ts'
import { preflight } from '../../infra/preflight/preflight.ts'
import { type Answers, type RecordedAws, refused, startRecorded } from './recorded-aws.ts'

const REGION = 'eu-central-1'
const ACCOUNT = '111122223333'
const CERTIFICATE = `arn:aws:acm:${REGION}:${ACCOUNT}:certificate/1`
const ROLE = `arn:aws:iam::${ACCOUNT}:role/logs`

const items = (name: string, values: readonly string[]) =>
  `<${name}>${values.map((value) => `<item>${value}</item>`).join('')}</${name}>`
const member = (name: string, fields: Readonly<Record<string, string>>) =>
  `<member>${Object.entries(fields)
    .map(([key, value]) => `<${key}>${value}</${key}>`)
    .join('')}</member>`.replaceAll('$', name)

const stack = (name: string, status: string, outputs: Readonly<Record<string, string>> = {}) =>
  `<member><StackName>${name}</StackName><StackStatus>${status}</StackStatus><CreationTime>2026-11-30T00:00:00Z</CreationTime><Outputs>${Object.entries(
    outputs,
  )
    .map(([OutputKey, OutputValue]) => member('', { OutputKey, OutputValue }))
    .join('')}</Outputs></member>`
const stacks = (...made: string[]) =>
  `<DescribeStacksResult><Stacks>${made.join('')}</Stacks></DescribeStacksResult>`
const toolkit = (version: number, FileAssetKeyArn = 'AWS_MANAGED_KEY') =>
  stack('CDKToolkit', 'CREATE_COMPLETE', { BootstrapVersion: String(version), FileAssetKeyArn })

const zones = ['a', 'b', 'c'].map((letter) => `${REGION}${letter}`)
const offered = (type: string, where: readonly string[]) =>
  where.map((zone) => `<instanceType>${type}</instanceType><location>${zone}</location>`)
const offerings = (relayZones = zones) =>
  items('instanceTypeOfferingSet', [...offered('t4g.small', zones), ...offered('c7gn.medium', relayZones)])
const subnet = (id: string, zone: string, open = true) =>
  `<subnetId>${id}</subnetId><vpcId>vpc-0a</vpcId><availabilityZone>${zone}</availabilityZone><mapPublicIpOnLaunch>${open}</mapPublicIpOnLaunch>`
const quotas = (vpcs: number, cpus: number) => (body: string) => ({
  Quota: { Value: body.includes('L-F678F1CE') ? vpcs : cpus },
})
const account = (rateLimit = 10_000, cloudwatchRoleArn?: string) => ({
  throttleSettings: { rateLimit, burstLimit: 5_000 },
  ...(cloudwatchRoleArn && { cloudwatchRoleArn }),
})
const certificate = (DomainName: string, Status = 'ISSUED') => ({ Certificate: { DomainName, Status } })
const lambdas = (UnreservedConcurrentExecutions: number) => ({
  AccountLimit: { ConcurrentExecutions: UnreservedConcurrentExecutions, UnreservedConcurrentExecutions },
})

const HEALTHY: Answers = {
  GetCallerIdentity: `<GetCallerIdentityResult><Account>${ACCOUNT}</Account></GetCallerIdentityResult>`,
  DescribeStacks: stacks(toolkit(25)),
  '/account': account(),
  '/2016-08-19/account-settings': lambdas(1000),
  DescribeVpcs: items('vpcSet', ['<vpcId>vpc-1</vpcId>']),
  DescribeSubnets: items('subnetSet', [subnet('subnet-0a', zones[0]!), subnet('subnet-0b', zones[1]!)]),
  DescribeAvailabilityZones: items(
    'availabilityZoneInfo',
    zones.map((zone) => `<zoneName>${zone}</zoneName>`),
  ),
  DescribeInstanceTypeOfferings: offerings(),
  DescribeInstanceTypes: items('instanceTypeSet', [
    '<instanceType>t4g.small</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo>',
    '<instanceType>c7gn.medium</instanceType><vCpuInfo><defaultVCpus>1</defaultVCpus></vCpuInfo>',
  ]),
  GetServiceQuota: quotas(5, 64),
  DescribeCertificate: certificate('*.example.com'),
  ListCostAllocationTags: {
    CostAllocationTags: [{ TagKey: 'straightway', Type: 'UserDefined', Status: 'Active' }],
  },
  DescribeTable: refused('ResourceNotFoundException'),
  DescribeSecret: refused('ResourceNotFoundException'),
}

let aws: RecordedAws
beforeAll(async () => {
  aws = await startRecorded(HEALTHY)
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'recorded',
    AWS_SECRET_ACCESS_KEY: 'recorded',
  })
})
beforeEach(() => aws.breaks({}))
afterAll(() => aws.close())

const config = (input: Partial<ConfigInput> = {}): Config =>
  parseConfig({ name: 'prod', alarmEmail: 'operator@example.com', ...input })
const DOMAIN = { domain: { name: 'index.example.com', certificateArn: CERTIFICATE } }
const TEAM_VPC = {
  network: {
    vpcId: 'vpc-0a',
    subnets: [
      { id: 'subnet-0a', zone: zones[0]! },
      { id: 'subnet-0b', zone: zones[1]! },
    ],
  },
}

test('a healthy account is ready', async () => {
  for (const input of [{}, DOMAIN, TEAM_VPC])
    expect(await preflight(config(input), REGION)).toEqual({
      account: ACCOUNT,
      regions: [REGION],
      findings: [],
    })
})

interface Broken {
  readonly check: CheckName
  readonly level?: 'warning'
  readonly answers?: Answers
  readonly input?: Partial<ConfigInput>
  /** Expected part of the message, and of the remedy. */
  readonly what: string
  readonly mend: string
}

const BROKEN: Readonly<Record<string, Broken>> = {
  'credentials that AWS does not accept': {
    check: 'credentials',
    answers: { GetCallerIdentity: refused('ExpiredToken', 403) },
    what: 'ExpiredToken',
    mend: 'aws sso login',
  },
  'no bootstrap': {
    check: 'bootstrap',
    answers: { DescribeStacks: stacks() },
    what: 'not bootstrapped',
    mend: `npx cdk bootstrap aws://${ACCOUNT}/${REGION}`,
  },
  'a bootstrap with another qualifier': {
    check: 'bootstrap',
    input: { bootstrap: { qualifier: 'games' } },
    what: 'not bootstrapped',
    mend: '--qualifier games',
  },
  'an old bootstrap': {
    check: 'bootstrap',
    answers: { DescribeStacks: stacks(toolkit(5)) },
    what: 'has version 5',
    mend: 'npx cdk bootstrap',
  },
  'a bootstrap bucket with a customer key': {
    check: 'bootstrap-key',
    answers: { DescribeStacks: stacks(toolkit(25, 'arn:aws:kms:x')) },
    what: 'customer key',
    mend: "bucketKey: 'arn:aws:kms:x'",
  },
  'no role for access logs, which the configuration relies on': {
    check: 'access-log-role',
    input: { api: { accountRole: 'exists' } },
    what: 'no role to write logs',
    mend: "accountRole: 'make'",
  },
  'a role for access logs that would be replaced': {
    check: 'access-log-role',
    level: 'warning',
    answers: { '/account': account(10_000, ROLE) },
    what: ROLE,
    mend: "accountRole: 'exists'",
  },
  'a rate above that of the account': {
    check: 'request-rate',
    level: 'warning',
    answers: { '/account': account(600) },
    what: '600 requests a second',
    mend: 'requestsPerSecond: 600',
  },
  'a new account with ten Lambdas': {
    check: 'concurrency',
    answers: { '/2016-08-19/account-settings': lambdas(10) },
    what: '10 Lambdas can run',
    mend: '--quota-code L-B99A9384 --desired-value 450',
  },
  'no room for a VPC': {
    check: 'vpc',
    answers: { GetServiceQuota: quotas(1, 64) },
    what: '1 VPCs of the 1',
    mend: '--quota-code L-F678F1CE --desired-value 2',
  },
  'a subnet that does not exist': {
    check: 'subnets',
    input: TEAM_VPC,
    answers: { DescribeSubnets: items('subnetSet', [subnet('subnet-0b', zones[1]!)]) },
    what: 'no subnet subnet-0a',
    mend: 'subnets',
  },
  'a subnet in another zone': {
    check: 'subnets',
    input: TEAM_VPC,
    answers: {
      DescribeSubnets: items('subnetSet', [subnet('subnet-0a', zones[2]!), subnet('subnet-0b', zones[1]!)]),
    },
    what: `subnet-0a is in vpc-0a, ${zones[2]}`,
    mend: `zone: '${zones[2]}'`,
  },
  'a subnet without public addresses': {
    check: 'subnets',
    input: TEAM_VPC,
    answers: {
      DescribeSubnets: items('subnetSet', [
        subnet('subnet-0a', zones[0]!, false),
        subnet('subnet-0b', zones[1]!),
      ]),
    },
    what: 'no public address',
    mend: '--map-public-ip-on-launch',
  },
  'a zone that lacks the type of the relays': {
    check: 'instance-types',
    answers: { DescribeInstanceTypeOfferings: offerings([zones[0]!, zones[2]!]) },
    what: `${zones[1]} has no c7gn.medium`,
    mend: '`instance`',
  },
  'too few virtual CPUs for the smallest groups': {
    check: 'instance-quota',
    answers: { GetServiceQuota: quotas(5, 4) },
    what: 'the smallest groups need 5',
    mend: '--quota-code L-1216C47A --desired-value 22',
  },
  'too few virtual CPUs for the largest groups': {
    check: 'instance-quota',
    level: 'warning',
    answers: { GetServiceQuota: quotas(5, 16) },
    what: 'the largest groups would need 22',
    mend: '--desired-value 22',
  },
  'a certificate that is not issued yet': {
    check: 'certificate',
    input: DOMAIN,
    answers: { DescribeCertificate: certificate('index.example.com', 'PENDING_VALIDATION') },
    what: 'PENDING_VALIDATION',
    mend: 'aws acm request-certificate',
  },
  'a certificate of another name': {
    check: 'certificate',
    input: DOMAIN,
    answers: { DescribeCertificate: certificate('*.games.example.com') },
    what: 'is for *.games.example.com',
    mend: '--domain-name index.example.com',
  },
  'a certificate of another region': {
    check: 'certificate',
    input: {
      domain: { name: 'index.example.com', certificateArn: CERTIFICATE.replace(REGION, 'us-east-1') },
    },
    what: 'is in us-east-1',
    mend: `--region ${REGION}`,
  },
  'a certificate that is gone': {
    check: 'certificate',
    input: DOMAIN,
    answers: { DescribeCertificate: refused('ResourceNotFoundException') },
    what: 'There is no certificate',
    mend: 'aws acm request-certificate',
  },
  'a cost tag that is not active': {
    check: 'cost-tag',
    level: 'warning',
    answers: { ListCostAllocationTags: { CostAllocationTags: [] } },
    what: '0 dollars',
    mend: 'TagKey=straightway,Status=Active',
  },
  'alarms without an address': {
    check: 'operator',
    level: 'warning',
    input: { alarmEmail: undefined },
    what: 'write to nobody',
    mend: 'alarmEmail',
  },
  'a first deployment that failed': {
    check: 'stack-state',
    answers: { DescribeStacks: stacks(toolkit(25), stack('straightway-prod-api', 'ROLLBACK_COMPLETE')) },
    what: 'straightway-prod-api is ROLLBACK_COMPLETE',
    mend: `delete-stack --region ${REGION} --stack-name straightway-prod-api`,
  },
  'an update that could not be rolled back': {
    check: 'stack-state',
    answers: {
      DescribeStacks: stacks(toolkit(25), stack('straightway-prod-edge', 'UPDATE_ROLLBACK_FAILED')),
    },
    what: 'UPDATE_ROLLBACK_FAILED',
    mend: 'continue-update-rollback',
  },
  'a deployment under way': {
    check: 'stack-state',
    answers: { DescribeStacks: stacks(toolkit(25), stack('straightway-prod-data', 'CREATE_IN_PROGRESS')) },
    what: 'CREATE_IN_PROGRESS',
    mend: 'until it is complete',
  },
  'tables that no stack owns': {
    check: 'left-behind',
    answers: {
      DescribeTable: (body) =>
        body.includes('straightway-prod-Users') ? { Table: {} } : refused('ResourceNotFoundException'),
    },
    what: 'No stack owns straightway-prod-Users',
    mend: 'npm run adopt -- -c environment=prod',
  },
  'a secret that no stack owns': {
    check: 'left-behind',
    answers: {
      DescribeSecret: (body) =>
        body.includes('fleet') ? { ARN: 'arn' } : refused('ResourceNotFoundException'),
    },
    what: 'No stack owns straightway-prod-fleet-key',
    mend: '--leftovers',
  },
  'a secret that is being deleted': {
    check: 'left-behind',
    answers: {
      DescribeSecret: (body) =>
        body.includes('ticket')
          ? { ARN: 'arn', DeletedDate: 1_790_000_000 }
          : refused('ResourceNotFoundException'),
    },
    what: 'straightway-prod-ticket-key is being deleted',
    mend: '--force-delete-without-recovery',
  },
  'a question that may not be asked': {
    check: 'not-checked',
    level: 'warning',
    answers: { ListCostAllocationTags: refused('AccessDeniedException') },
    what: 'costTag could not be checked: AccessDeniedException',
    mend: 'credentials',
  },
}

test.each(
  Object.entries(BROKEN),
)('%s: it is named, with what mends it, and nothing else is', async (_, broken) => {
  const { check, level = 'error', answers = {}, input = {}, what, mend } = broken
  aws.breaks(answers)
  const { findings } = await preflight(config(input), REGION)
  expect(findings).toEqual([
    {
      check,
      level,
      region: REGION,
      what: expect.stringContaining(what),
      mend: expect.stringContaining(mend),
    },
  ])
})

test('what the stacks own already is not asked for again', async () => {
  const own = ['data', 'api', 'edge'].map((name) => stack(`straightway-prod-${name}`, 'UPDATE_COMPLETE'))
  aws.breaks({
    DescribeStacks: stacks(toolkit(25), ...own),
    DescribeTable: { Table: {} },
    DescribeSecret: { ARN: 'arn' },
    GetServiceQuota: quotas(1, 1),
    '/2016-08-19/account-settings': lambdas(100),
    '/account': account(10_000, ROLE),
  })
  expect((await preflight(config(), REGION)).findings).toEqual([])
})

test('a second region is asked for what its machines need, and for nothing that only home has', async () => {
  aws.breaks({ DescribeStacks: stacks() })
  const { regions, findings } = await preflight(
    config({ regions: { home: REGION, second: 'us-east-1' } }),
    REGION,
  )
  expect(regions).toEqual([REGION, 'us-east-1'])
  const ofSecond = findings.filter(({ region }) => region === 'us-east-1').map(({ check }) => check)
  expect(ofSecond).toEqual(['bootstrap'])
})

test('the command prints each finding with what mends it, and ends with 1 if the deployment would fail', async () => {
  const run = async (...options: string[]) => {
    const command = join(import.meta.dirname, '../../infra/preflight/command.ts')
    const child = spawn(process.execPath, [command, '-c', 'environment=prod', '--region', REGION, ...options])
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { said, code }
  }
  expect(await run('--json')).toMatchObject({ code: 0 })
  aws.breaks({ DescribeStacks: stacks() })
  const { said, code } = await run()
  expect(code).toBe(1)
  expect(said).toContain(`error   bootstrap (${REGION}): The CDK is not bootstrapped here.`)
  expect(said).toContain(`npx cdk bootstrap aws://${ACCOUNT}/${REGION}`)
})
