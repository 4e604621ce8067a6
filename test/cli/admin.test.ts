/** `straightway admin`: an administrator's tour of a running INDEX, typed as commands. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kebab } from '../../cli/admin.ts'
import { createContext } from '../../functions/rest/context.ts'
import { createHandler } from '../../functions/rest/handler.ts'
import { ROUTES } from '../../functions/rest/routes.ts'
import { type Gateway, startGateway } from '../../local/gateway.ts'
import { COMMANDS } from '../../shared/rest-client/commands.ts'
import { asFunction } from '../functions/permitted.ts'
import { type IndexUnderTest, startIndex } from '../functions/rest/index-under-test.ts'
import { Commands } from './commands.ts'

let index: IndexUnderTest
let gateway: Gateway
let commands: Commands

beforeAll(async () => {
  index = await startIndex()
  const accept = async () => ({ statusCode: 200 })
  gateway = await startGateway({
    rest: createHandler(createContext(index.config, asFunction(index.client, 'rest'), index.now)),
    websocket: { connect: accept, disconnect: accept, message: accept },
  })
  commands = new Commands({ STRAIGHTWAY_INDEX: gateway.url, STRAIGHTWAY_KEY: index.admin })
})
afterAll(async () => {
  await gateway.close()
  await index.close()
})

const admin = (...args: string[]) => commands.run('admin', ...args)
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of an answer
const json = (...args: string[]) => commands.json<any>('admin', ...args)

test('every operation is a command', () => {
  expect(COMMANDS.map(({ operation }) => operation)).toEqual(ROUTES.map(({ operation }) => operation))
})

test('--help tells what each takes', async () => {
  const { code, out } = await admin('--help')
  expect(code).toBe(0)
  for (const { operation } of ROUTES) expect(out).toContain(` ${kebab(operation)} `)
  const help = (await admin('put-member', '--help')).out
  expect(help).toContain('put-member [options] <network> <user>')
  for (const option of ['--role', '--state', '--body', '--json']) expect(help).toContain(option)
})

test('a tour: a network, its members, a key for a server, what was done', async () => {
  const { network } = await json('create-network', '--name', 'Chess club', '--joining', 'approval')
  const made = await admin('create-user', '--name', 'Ann', '--attributes', '{"team":"red"}')
  expect(made).toMatchObject({ code: 0, err: '' })
  const user = /^user +(u_\w+)$/m.exec(made.out)![1]!
  expect(made.out).toMatch(/^attributes +\{"team":"red"\}$/m)
  expect(made.out).toMatch(/^createdAt +\d{4}-\d\d-\d\dT/m)
  await admin('put-member', network, user, '--role', 'admin')
  const members = await admin('list-members', network)
  expect(members.out.split('\n')[0]).toMatch(/^network +user +role/)
  expect(members.out).toMatch(new RegExp(`^${network}  ${user}  admin `, 'm'))
  const key = await json(
    ...['create-api-key', '--name', 'server', '--role', 'admin', '--networks', network],
    ...['--operations', 'listMembers,createInvite'],
  )
  expect(key).toMatchObject({ networks: [network], operations: ['listMembers', 'createInvite'] })
  const server = new Commands({ STRAIGHTWAY_INDEX: gateway.url, STRAIGHTWAY_KEY: key.token })
  expect((await server.run('admin', 'create-invite', network, '--uses', '5')).code).toBe(0)
  const refused = await server.run('admin', 'create-user', '--name', 'x')
  expect(refused).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('does not allow createUser'),
  })
  const audit = await json('list-audit', '--subject', network, '--limit', '1', '--all')
  expect(audit.items.map(({ operation }: { operation: string }) => operation).sort()).toEqual([
    ...['createInvite', 'createNetwork', 'putMember'],
  ])
  expect((await admin('delete-member', network, user)).out).toBe('done\n')
})

test('values are what the definitions say: numbers, lists, JSON, null', async () => {
  const url = 'https://example.com/hook'
  const { network } = await json('create-network', '--name', 'Hooked')
  const { webhook } = await json(
    ...[
      'create-webhook',
      '--name',
      'w',
      '--url',
      url,
      '--events',
      'member.*,peer.online',
      '--network',
      network,
    ],
  )
  const edited = await json('update-webhook', webhook, '--active', 'false', '--network', 'null')
  expect(edited).toMatchObject({ active: false, events: ['member.*', 'peer.online'] })
  expect(edited).not.toHaveProperty('network')
  const stale = await admin('update-webhook', webhook, '--name', 'x', '--if-version', '1')
  expect(stale).toMatchObject({ code: 1, err: expect.stringContaining('version 2') })
  const writes = '{"writes":[{"id":"a","value":{"n":1}}]}'
  const written = await json('write-objects', 'boards', '--network', network, '--body', writes)
  expect(written.items).toEqual([{ id: 'a', version: 1 }])
})

test.each([
  ['an operation that there is not', ['dance'], 'dance'],
  ['an option of another', ['list-users', '--role', 'admin'], '--role'],
  ['an id missing', ['read-user'], 'user'],
  ['what is no choice', ['create-network', '--name', 'x', '--joining', 'never'], 'approval'],
  ['what is no number', ['list-users', '--limit', 'many', '--since', 'x'], '--since'],
  ['what is no JSON', ['create-user', '--name', 'x', '--attributes', '{'], 'Not JSON'],
  ['a body that is no object', ['create-user', '--body', '[]'], 'Not a JSON object'],
])('with %s it exits with 2 and says so', async (_, args, says) => {
  expect(await admin(...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(says) })
})

test('without a key it says where to put one, and text of others cannot move the cursor', async () => {
  const bare = new Commands({ STRAIGHTWAY_INDEX: gateway.url, STRAIGHTWAY_KEY: '' })
  expect((await bare.run('admin', 'list-users')).err).toContain('STRAIGHTWAY_KEY')
  const { user } = await json('create-user', '--name', '\u001b[2Jgone\u202e')
  const { out } = await admin('read-user', user)
  expect(out).toContain('\\x1b[2Jgone\\u202e')
  expect(out).not.toContain('\u001b')
})
