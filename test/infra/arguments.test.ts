/** Command lines of operators that are wrong, and neighbours in one account: each command says what is wrong, and touches only its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../infra/config.ts'
import { told } from '../../infra/operate/arguments.ts'
import { removeLeftovers } from '../../infra/operate/teardown.ts'
import { createClients } from '../../infra/preflight/clients.ts'
import { stacksOfEnvironment } from '../../infra/preflight/stacks.ts'
import { type RecordedAws, startRecorded } from './recorded-aws.ts'

const ROOT = join(import.meta.dirname, '../..')
const stack = (name: string, status = 'CREATE_COMPLETE') =>
  `<member><StackName>${name}</StackName><StackStatus>${status}</StackStatus><CreationTime>2026-11-30T00:00:00Z</CreationTime></member>`
const page = (names: readonly string[], next = '') =>
  `<DescribeStacksResult><Stacks>${names.map((name) => stack(name)).join('')}</Stacks>${next && `<NextToken>${next}</NextToken>`}</DescribeStacksResult>`

/** The list of an account that has environments with similar names, the stack of interest on the second page. */
const FIRST = [
  'straightway-prod-eu-data',
  'straightway-prod-eu-api',
  'straightway-prod-api-x',
  'straightway-pro-data',
]
const SECOND = [
  'straightway-prod-data',
  'straightway-prod-edge-us-east-1',
  'straightway-prod-watch-us-gov-west-1',
]

let aws: RecordedAws
beforeAll(async () => {
  aws = await startRecorded({
    DescribeStacks: (body) => (body.includes('NextToken=more') ? page(SECOND) : page(FIRST, 'more')),
  })
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: 'recorded',
    AWS_SECRET_ACCESS_KEY: 'recorded',
  })
})
afterAll(() => aws.close())

const usage = { flags: ['yes'], environment: 'dev' }

test.each([
  ['no value', ['-c', 'prod'], '-c prod has no value: -c environment=prod?'],
  [
    'an environment that is not there',
    ['-c', 'environment=production'],
    'There is no environment production',
  ],
  ['no name', ['-c', 'environment='], 'There is no environment'],
  [
    'the name of a method of every object',
    ['-c', 'environment=constructor'],
    'There is no environment constructor',
  ],
  ['characters of a shell or a path', ['-c', 'environment=../prod;x'], 'There is no environment ../prod;x'],
  ['an unknown option', ['--force'], "Unknown option '--force'. The options are -c environment=NAME"],
  ['an option without its value', ['-c'], 'argument missing'],
  ['a word', ['prod'], "Unexpected argument 'prod'"],
  ['a region that is none', ['--region', 'europe'], 'europe is not a region of AWS'],
])('%s is refused in a sentence', async (_, line, message) => {
  await expect(told(usage, line)).rejects.toThrow(message)
})

test('other context is ignored, and the last environment counts, as for the CDK', async () => {
  const line = [
    '-c',
    'environment=dev',
    '-c',
    'environment=prod',
    '--context',
    'team=games',
    '--region',
    'eu-west-1',
  ]
  const { config, region } = await told(usage, line)
  expect([config.name, region]).toEqual(['prod', 'eu-west-1'])
})

test('a command that changes something wants the environment named', async () => {
  await expect(told({ flags: ['yes'] }, ['--yes'])).rejects.toThrow('Name the environment, one of dev, prod')
})

test('only the stacks of the environment are its own, on whichever page they are', async () => {
  const client = new CloudFormationClient({ region: 'eu-central-1' })
  const namesOf = async (name: string) =>
    (await stacksOfEnvironment(client, { name })).map(({ StackName }) => StackName)
  expect(await namesOf('prod')).toEqual(SECOND)
  expect(await namesOf('prod-eu')).toEqual(['straightway-prod-eu-data', 'straightway-prod-eu-api'])
  client.destroy()
})

test('tables are not deleted as leftovers if their stack is on the second page', async () => {
  const clients = createClients('eu-central-1')
  await expect(removeLeftovers(parseConfig({ name: 'prod' }), clients, true)).rejects.toThrow(
    'straightway-prod-data owns them',
  )
  clients.close()
})

async function run(script: string, env: Readonly<Record<string, string>>, ...line: string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'infra', script), ...line], {
    env: { ...process.env, ...env },
  })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code }
}

test('the app names a wrong environment without a stack trace, and synthesises nothing', async () => {
  const context = { CDK_CONTEXT_JSON: JSON.stringify({ environment: 'production' }) }
  const { out, err, code } = await run('app.ts', context)
  expect({ out, code }).toEqual({ out: '', code: 1 })
  expect(err).toMatch(/^There is no environment production: infra\/environments.ts has dev, prod, .*\n$/)
})

test('without credentials a command says where they come from', async () => {
  const none = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_PROFILE: 'nobody',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const { err, code } = await run('operate/teardown.ts', none, '-c', 'environment=dev')
  expect(code).toBe(1)
  expect(err).toMatch(/^There are no credentials that AWS accepts: .*aws sso login.*\n$/)
})
