/** The systems that must be deployable: one for each way in which templates can differ. */
import type { ConfigInput } from '../../infra/config.ts'
import { environment } from '../../infra/environments.ts'
import { TABLES, type Table } from '../../shared/store/tables.ts'
import { systemUnderTest } from './system-under-test.ts'

/** A region that has the default instance types. By the rules of cfn-lint, eu-central-1 lacks c7gn.medium. */
export const HOME = 'eu-west-1'
export const SECOND = 'us-east-1'

/** ARNs of the streams of replicas, in the form in which a promoted region is given them. */
export const STREAMS = (Object.values(TABLES) as Table[])
  .filter(({ stream, passing }) => stream && !passing)
  .map(
    ({ name }) => `arn:aws:dynamodb:${SECOND}:111122223333:table/straightway-test-${name}/stream/2026-11-01`,
  )

const domain = {
  name: 'index.example.com',
  certificateArn: `arn:aws:acm:${HOME}:111122223333:certificate/8a2f0a5e-58b1-4b3f-9d7c-1f1f1f1f1f1f`,
}
const regions = { home: HOME, second: SECOND }

const INPUTS = {
  prod: {},
  dev: environment('dev'),
  domain: { domain },
  'two regions': { regions, domain },
  promoted: { regions: { ...regions, promoted: { streams: STREAMS } } },
  governed: {
    permissionsBoundary: 'arn:aws:iam::111122223333:policy/boundary',
    tags: { team: 'games' },
    bootstrap: { qualifier: 'games1', bucketKey: `arn:aws:kms:${HOME}:111122223333:key/0b0b` },
    network: {
      vpcId: 'vpc-0a1b2c3d4e5f60718',
      subnets: [
        { id: 'subnet-0a1b2c3d4e5f60718', zone: `${HOME}a` },
        { id: 'subnet-0a1b2c3d4e5f60719', zone: `${HOME}b` },
      ],
    },
  },
} as const satisfies Readonly<Record<string, Partial<ConfigInput>>>

export type ConfigurationName = keyof typeof INPUTS

export const CONFIGURATIONS = Object.keys(INPUTS) as ConfigurationName[]

const made = new Map<ConfigurationName, ReturnType<typeof systemUnderTest>>()

/** Returns a configuration, synthesised once for each test file. */
export function configured(name: ConfigurationName): ReturnType<typeof systemUnderTest> {
  const system = made.get(name) ?? systemUnderTest({ ...INPUTS[name], name: 'test' })
  made.set(name, system)
  return system
}
