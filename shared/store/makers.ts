/** Whoever made an invite or an invitation: it ends when its maker may no longer make it. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { activeRole, atLeast, type Maker, type Role } from '../model/membership.ts'
import { createApiKeys, isAdminKey } from './api-keys.ts'
import { groundSteps } from './grounds.ts'
import { createMemberships } from './memberships.ts'
import { CHANGED, type Step } from './transact.ts'

/** The thing that was made: an invite, or a membership that its user has yet to accept. */
export interface Made {
  readonly network: NetworkId
  readonly role?: Role | undefined
  /** The user whom it is for. Absent on an invite for anybody. */
  readonly user?: UserId | undefined
  readonly by?: Maker | undefined
}

/**
 * Conditions under which the maker would still be allowed to make it; refused with CHANGED. Errors: `gone` if the
 * maker no longer is.
 */
export async function makerSteps(
  client: DynamoDBDocumentClient,
  { network, role, user, by }: Made,
  now: number,
): Promise<readonly Step[]> {
  if (by === undefined) return []
  if (isKey(by)) {
    const key = by.slice('key:'.length)
    const apiKey = await createApiKeys(client).get(key)
    if (apiKey?.role !== 'admin' || now >= (apiKey.expiresAt ?? Infinity)) throw MAKER_GONE
    return [isAdminKey(key)]
  }
  const own = activeRole(await createMemberships(client).get(network, by))
  const may = user === by ? own !== undefined : atLeast(own, 'admin') && atLeast(own, role ?? 'guest')
  if (own === undefined || !may) throw MAKER_GONE
  return groundSteps([{ network, user: by, role: own }]).map((step) => ({ ...step, refused: CHANGED }))
}

const isKey = (by: Maker): by is `key:${string}` => by.startsWith('key:')

const MAKER_GONE = new StraightwayError(
  'gone',
  'Whoever made the invite may not make it any more: ask for a new one',
)
