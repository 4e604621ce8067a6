/** The data that a peer needs before it can sign in: the nodes with their keys, and the keys that check tickets. */
import type { FleetItem } from '../../shared/directory.ts'
import { LIMITS } from '../../shared/limits.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { ok, type Reply } from './reply.ts'
import type { Request } from './request.ts'

/** Short, because nodes come and go within tens of seconds. */
const CACHEABLE = { 'cache-control': 'public, max-age=5' }

export async function readBootstrap({ context }: Request): Promise<Reply> {
  const { client, config, ticketKeys, now } = context
  const fleet = await createFleet(client).alive(Math.floor(now() / 1000))
  const nodes = fleet.filter(({ draining }) => !draining).map(nodeOf)
  return ok(
    { ticketKeys: ticketKeys.published, nodes, websocket: config.websocket, limits: LIMITS },
    CACHEABLE,
  )
}

function nodeOf({ node, publicKey, addresses, relayTls, region }: FleetItem) {
  const { checkpoint = [], handshake = [], stun = [], relay = [] } = addresses
  const given = { ...(relayTls && { relayTls }), ...(region && { region }) }
  return { node, publicKey, checkpoint, handshake, stun, relay, ...given }
}
