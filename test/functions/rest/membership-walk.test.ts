/**
 * Every actor tries every action on a user in every standing. What may happen is written here once more, apart from the
 * product: by whom a standing may be changed, how far, and when the user itself has to agree. At the end a checker reads the
 * tables.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId } from '../../../shared/ids.ts'
import type { MembershipState, Role } from '../../../shared/model/membership.ts'
import { createMemberships } from '../../../shared/store/memberships.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { brokenInvariants } from './invariants.ts'
import type { Enrolled } from './society.ts'

const ROLES: readonly Role[] = ['guest', 'member', 'admin', 'owner']
const ACTORS = [
  'stranger',
  'neighbour',
  'guest',
  'member',
  'admin',
  'owner',
  'itself',
  'reader',
  'key',
] as const
type Actor = (typeof ACTORS)[number]

interface Standing {
  readonly role: Role
  readonly state: MembershipState
}

const STANDINGS: readonly (Standing | undefined)[] = [
  undefined,
  ...ROLES.map((role): Standing => ({ role, state: 'active' })),
  ...(['invited', 'requested', 'suspended', 'banned', 'removed'] as const).flatMap((state) =>
    (['member', 'owner'] as const).map((role): Standing => ({ role, state })),
  ),
]

interface Action {
  readonly method: 'PUT' | 'DELETE'
  readonly role?: Role
  readonly state?: 'active' | 'suspended' | 'banned'
}

const ACTIONS: readonly Action[] = [
  { method: 'DELETE' },
  { method: 'PUT' },
  ...ROLES.map((role): Action => ({ method: 'PUT', role })),
  ...(['active', 'suspended', 'banned'] as const).map((state): Action => ({ method: 'PUT', state })),
  { method: 'PUT', role: 'owner', state: 'active' },
]

const rank = (role: Role | undefined) => (role === undefined ? -1 : ROLES.indexOf(role))
const roleOf = (actor: Actor): Role | undefined => ROLES.find((role) => role === actor)

/** The standing afterwards. 'refused': as it was. */
function after(actor: Actor, from: Standing | undefined, action: Action): Standing | 'gone' | 'refused' {
  if (actor === 'itself') return ofItself(from, action)
  const own = actor === 'key' ? 'owner' : roleOf(actor)
  const touches = [action.role, from?.state === 'removed' ? undefined : from?.role]
  const target = action.role ?? from?.role ?? 'member'
  if (rank(own) < rank('admin') || touches.some((role) => rank(role) > rank(own))) return 'refused'
  if (action.method === 'DELETE')
    return from === undefined || from.state === 'removed' ? 'refused' : { role: from.role, state: 'removed' }
  if (rank(target) > rank(own)) return 'refused'
  const state = managed(from?.state, action.state, actor === 'key')
  return state === undefined ? 'refused' : { role: target, state }
}

/** The state that a manager gives. Whoever is outside has to agree, unless the team itself decides. */
function managed(
  from: MembershipState | undefined,
  wanted: Action['state'],
  isTeam: boolean,
): MembershipState | undefined {
  const inside = from === 'active' || from === 'suspended'
  if (wanted === 'suspended') return inside ? 'suspended' : undefined
  if (wanted === 'banned') return 'banned'
  if (inside) return wanted ?? from
  if (from === 'requested') return 'active'
  if (from === 'banned' && wanted === undefined) return 'banned'
  return isTeam ? 'active' : 'invited'
}

/** Actions of a user on its own membership, in a network that nobody joins uninvited. */
function ofItself(from: Standing | undefined, action: Action): Standing | 'gone' | 'refused' {
  const { method, role, state } = action
  if (method === 'DELETE')
    return from && ['invited', 'requested', 'active'].includes(from.state) ? 'gone' : 'refused'
  if (from?.state === 'invited' && (role ?? from.role) === from.role && (state ?? 'active') === 'active')
    return { role: from.role, state: 'active' }
  const manages = from?.state === 'active' && rank(from.role) >= rank('admin')
  if (!manages || rank(role) > rank(from.role)) return 'refused'
  return { role: role ?? from.role, state: state ?? 'active' }
}

let index: IndexUnderTest
let network: NetworkId
let target: Enrolled
const tickets = new Map<Actor, string>()

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  const common = await index.network()
  const elsewhere = await index.network()
  network = await index.network()
  target = await index.member({ [common]: 'guest', [elsewhere]: 'member' }, 'target')
  tickets.set('itself', target.ticket).set('reader', index.reader).set('key', index.admin)
  tickets.set('stranger', (await index.member({}, 'stranger')).ticket)
  tickets.set('neighbour', (await index.member({ [elsewhere]: 'owner' }, 'neighbour')).ticket)
  for (const role of ROLES)
    tickets.set(role, (await index.member({ [network]: role, [common]: 'guest' }, role)).ticket)
})
afterAll(() => index.close())

const standing = async (): Promise<Standing | undefined> => {
  const found = await createMemberships(index.client).get(network, target.user)
  return found && { role: found.role, state: found.state }
}

/** Puts the target into a standing, past all rules. Invited by the team, so that the invitation holds. */
async function put(wanted: Standing | undefined): Promise<void> {
  const store = createMemberships(index.client)
  const from = await store.get(network, target.user)
  const to = wanted && { network, user: target.user, ...wanted, changedAt: index.now() }
  if (from !== undefined || to !== undefined) await store.change({ from, to })
}

/** Whoever manages nothing is tried on one role of each state. */
function standingsFor(actor: Actor): typeof STANDINGS {
  const manages = ['admin', 'owner', 'itself', 'key'].includes(actor)
  return STANDINGS.filter((each) => manages || each === undefined || each.role === 'member')
}

const SHOWN = new Map<Standing | undefined, string>(
  STANDINGS.map((each) => [each, each ? `${each.state} as ${each.role}` : 'not there']),
)

describe.each(ACTORS)('%s', (actor) => {
  test.each(
    standingsFor(actor).map((from) => ({ from, shown: SHOWN.get(from)! })),
  )('and who is $shown', async ({ from }) => {
    for (const action of ACTIONS) {
      await put(from)
      const { method, ...body } = action
      const answer = await index.call(`${method} /v1/networks/${network}/members/${target.user}`, {
        as: tickets.get(actor),
        ...(method === 'PUT' && { body }),
      })
      const label = `${JSON.stringify(action)} was answered ${answer.status} ${JSON.stringify(answer.body)}`
      const wanted = after(actor, from, action)
      expect(answer.status, label).toBeLessThan(500)
      expect(await standing(), label).toEqual(
        wanted === 'refused' ? from : wanted === 'gone' ? undefined : wanted,
      )
      const outside = actor === 'stranger' || actor === 'neighbour'
      if (outside) expect(answer.status, label).toBe(404)
      if (actor === 'reader') expect(answer.status, label).toBe(403)
    }
  })
})

test('the tables hold together after all of it', async () => {
  expect(await brokenInvariants(index.client)).toEqual([])
})
