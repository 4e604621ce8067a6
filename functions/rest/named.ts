/** The items that a request names in its path and query. They are read in one call with the credential. */
import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import type { Invite } from '../../shared/model/invite.ts'
import type { Key } from '../../shared/store/pages.ts'
import type { ItemKey, Remembered } from '../../shared/store/remembered.ts'
import { PARAMETERS, type Route } from './route.ts'

export type NamedParameters = Readonly<Partial<Record<keyof typeof PARAMETERS, string>>>

/** The parameters that match their schemas. Malformed ones are left out here and refused later. */
export function parametersIn({ parameters }: Route, event: APIGatewayProxyEvent): NamedParameters {
  const given = parameters.map((name) => [name, event.pathParameters?.[name]] as const)
  const { network } = event.queryStringParameters ?? {}
  return Object.fromEntries(
    [...(networkIdSchema.safeParse(network).success ? [['network', network] as const] : []), ...given].filter(
      ([name, text]) => PARAMETERS[name as keyof typeof PARAMETERS].safeParse(text).success,
    ),
  )
}

/**
 * Keys of the items that the parameters name. `own` is the caller's user, whose membership in the network is
 * included.
 */
export function itemsNamed(named: NamedParameters, own: UserId): readonly ItemKey[] {
  const { network, user, peer, invite, job, collection } = named
  const item = (table: ItemKey['table'], key: Key): ItemKey => ({ table, key })
  return [
    ...(user === undefined ? [] : [item('Users', { user })]),
    ...(peer === undefined ? [] : [item('Peers', { peer }), item('Presence', { peer })]),
    ...(invite === undefined ? [] : [item('Invites', { invite })]),
    ...(collection === undefined ? [] : [item('Collections', { collection })]),
    ...(job === undefined ? [] : [item('Jobs', { job })]),
    ...(network === undefined
      ? []
      : [item('Networks', { network }), item('Memberships', { network, user: own })]),
    ...(network === undefined || user === undefined ? [] : [item('Memberships', { network, user })]),
  ]
}

/** The one network that the request is about: the named one, or that of the named invite. */
export function networkConcerned(named: NamedParameters, remembered: Remembered): NetworkId | undefined {
  const { network, invite } = named
  if (invite === undefined) return network as NetworkId | undefined
  return remembered.get<Invite>({ table: 'Invites', key: { invite } })?.network
}
