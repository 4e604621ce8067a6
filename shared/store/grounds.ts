/** Turns what allowed an action (shared/model/permission.ts) into conditions of its write. */
import type { Ground } from '../model/permission.ts'
import { tableName } from './client.ts'
import { OUTDATED, type Step } from './transact.ts'

/** Condition: the membership is active. One written before memberships had a state has none, and is active. */
export const IS_ACTIVE = '(attribute_not_exists(#state) OR #state = :active)'

/** A condition per ground. Refused with OUTDATED if a ground no longer holds. */
export function groundSteps(grounds: readonly Ground[]): readonly Step[] {
  const distinct = new Map(grounds.map((ground) => [`${ground.network} ${ground.user}`, ground]))
  return [...distinct.values()].map(({ network, user, role }) => ({
    refused: OUTDATED,
    write: {
      ConditionCheck: {
        TableName: tableName('Memberships'),
        Key: { network, user },
        ConditionExpression: `#role = :role AND ${IS_ACTIVE}`,
        ExpressionAttributeNames: { '#role': 'role', '#state': 'state' },
        ExpressionAttributeValues: { ':role': role, ':active': 'active' },
      },
    },
  }))
}
