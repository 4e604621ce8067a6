/**
 * INDEX under schemathesis, with an admin key, a member's ticket and a stranger's. No server error occurs, every answer is
 * documented and matches its schema, and no caller learns anything about a network of others.
 */
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GATEWAY_LIMITS } from '../../local/gateway-limits.ts'
import { restDoor } from '../../local/gateway-rest.ts'
import { type IndexUnderTest, startIndex } from '../functions/rest/index-under-test.ts'
import { fuzz, installSchemathesis } from './schemathesis.ts'

/** Part of every text in the network that neither the member nor the stranger belongs to. */
const SECRET = 'tell-nobody-of-this'

const program = await installSchemathesis()
if (program === undefined)
  console.warn('Skipped: schemathesis needs Python 3 with venv, and PyPI to install it from.')

let index: IndexUnderTest
let server: ReturnType<typeof createServer>
let url: string
/** Answers that contain the secret, by the credential of the caller. */
const told = new Map<string, string>()

beforeAll(async () => {
  index = await startIndex()
  // A large header limit: requests that are too long for any server are not tested here.
  server = createServer(
    { maxHeaderSize: 128 * 1024 },
    restDoor(async (event, context) => {
      const answer = await index.rest(event, context)
      const asker = `${event.headers.Authorization ?? event.headers.authorization}`
      if (answer.body.includes(SECRET)) told.set(asker, `${event.httpMethod} ${event.path}: ${answer.body}`)
      return answer
    }, GATEWAY_LIMITS),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await index.close()
})

/** Makes a network with a member, an invite and an object, and another one in which every text is the secret. */
async function scene() {
  const network = await index.network('open')
  const hidden = await index.network(SECRET)
  const member = await index.member({ [network]: 'member' }, 'member')
  const stranger = await index.member({}, 'stranger')
  const foreign = await index.member({ [hidden]: 'owner' }, SECRET)
  const as = index.admin
  const invite = await index.call(`POST /v1/networks/${network}/invites`, { as, body: {} })
  for (const [id, place, text] of [
    ['o1', network, 'x'],
    ['o2', hidden, SECRET],
  ] as const)
    await index.call(`PUT /v1/objects/things/${id}?network=${place}`, { as, body: { value: { text } } })
  await index.settle()
  return { network, hidden, member, stranger, foreign, invite: invite.body.invite as string }
}

function configOf(path: Readonly<Record<string, string>>): string {
  const file = join(mkdtempSync(join(tmpdir(), 'straightway-fuzz-')), 'schemathesis.toml')
  const lines = Object.entries(path).map(([name, value]) => `"path.${name}" = ${JSON.stringify(value)}`)
  writeFileSync(file, `[parameters]\n${lines.join('\n')}\n`)
  return file
}

/** Operations that remove what the other requests need. A rotated key ends after a grace time. */
const ENDING = ['deleteNetwork', 'deleteUser', 'deleteMember', 'deletePeer', 'deleteApiKey', 'rotateApiKey']

test.skipIf(program === undefined)(
  'an admin key finds no failure and no answer that is not documented',
  async () => {
    const { network, member, invite } = await scene()
    const path = { network, user: member.user, peer: member.peer, invite, id: 'o1', collection: 'things' }
    const given = { program: program!, url, credential: index.admin }
    expect(await fuzz({ ...given, config: configOf(path), exclude: ENDING })).toBe('')
  },
)

test.skipIf(program === undefined)(
  "a member's ticket finds neither that, nor anything of another network",
  async () => {
    const { hidden, member, foreign, invite } = await scene()
    const path = {
      network: hidden,
      user: foreign.user,
      peer: foreign.peer,
      invite,
      id: 'o2',
      collection: 'things',
    }
    const given = { program: program!, url, credential: member.ticket }
    expect(await fuzz({ ...given, config: configOf(path), exclude: [] })).toBe('')
    expect(told.get(`Bearer ${member.ticket}`)).toBeUndefined()
  },
)

test.skipIf(program === undefined)("a stranger's ticket finds nothing of anybody's network", async () => {
  const { hidden, stranger, foreign, invite } = await scene()
  const path = { network: hidden, user: foreign.user, peer: foreign.peer, invite, id: 'o2' }
  const given = { program: program!, url, credential: stranger.ticket }
  expect(await fuzz({ ...given, config: configOf(path), exclude: [] })).toBe('')
  expect(told.get(`Bearer ${stranger.ticket}`)).toBeUndefined()
})
