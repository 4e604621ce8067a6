/** Assembles the parts of a CheckpointMachine. Each part receives only what it uses. */
import type { FleetKeys } from '../../crypto/fleet.ts'
import { hash256 } from '../../crypto/hash.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import { Random } from '../../crypto/random.ts'
import type { TicketKeys } from '../../crypto/ticket.ts'
import type { NodeId } from '../../ids.ts'
import { Wall } from '../wall.ts'
import { Admission } from './admission.ts'
import { Asks } from './asks.ts'
import { Blocks } from './blocks.ts'
import { Comeback } from './comeback.ts'
import { Correction } from './correction.ts'
import { noCounters } from './counters.ts'
import { Credentials } from './credentials.ts'
import { Deliveries } from './deliveries.ts'
import { Directions } from './directions.ts'
import { Drain } from './drain.ts'
import { Finds } from './finds.ts'
import { FleetView } from './fleet-view.ts'
import { COOKIES_ABOVE } from './gate.ts'
import { Locator } from './locator.ts'
import { Mailboxes } from './mailboxes.ts'
import { Messages } from './messages.ts'
import { Networks } from './networks.ts'
import { News } from './news.ts'
import { NodeFrames } from './node-frames.ts'
import { NodeLinks } from './node-links.ts'
import { Offers } from './offers.ts'
import { PeerFrames } from './peer-frames.ts'
import { Prekeys } from './prekeys.ts'
import { Presence } from './presence.ts'
import { Pushes } from './pushes.ts'
import { Reach } from './reach.ts'
import { Receipts } from './receipts.ts'
import { Registration } from './registration.ts'
import { Residence } from './residence.ts'
import { Roster } from './roster.ts'
import { SessionTable } from './session-table.ts'
import { Standings } from './standings.ts'

/** A compromise: shorter than home routers keep a mapping, and three intervals (75 s) bound how long a vanished peer is shown. */
export const KEEP_ALIVE_MS = 25_000

export interface CheckpointOptions {
  readonly node: NodeId
  readonly identity: StaticKeys
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  readonly ticketKeys: TicketKeys
  /** 32 random bytes. */
  readonly seed: Uint8Array
  readonly now: number
  /** Number of sessions at which sign-ins are refused, so that peers go to another node. Default 1,000,000. */
  readonly capacity?: number
  /** Keep-alive interval that peers are told. Default KEEP_ALIVE_MS. */
  readonly keepAliveMs?: number
  /** Sign-ins a second above which a peer needs a cookie to prove its address; 0: always. Default COOKIES_ABOVE. */
  readonly cookiesAbove?: number
}

export type CheckpointParts = ReturnType<typeof assemble>

export function assemble(options: CheckpointOptions) {
  const { node, fleetKeys, now, identity: self } = options
  const { keepAliveMs = KEEP_ALIVE_MS, cookiesAbove = COOKIES_ABOVE } = options
  const random = new Random(options.seed)
  const counters = noCounters()
  const wall = new Wall()
  const [roster, fleet] = [new Roster(), new FleetView(node, wall)]
  const table = new SessionTable(counters, new Random(hash256(options.seed, 'challenges')))
  const asks = new Asks(counters)
  const locator = new Locator(node, asks, (other, at) => fleet.isAlive(other, at))
  const credentials = new Credentials(options.ticketKeys, wall)
  const links = new NodeLinks({ node, fleet, keys: fleetKeys, random: random.fork('links'), wall, now })
  const networks = new Networks(node, asks, roster)
  const receipts = new Receipts({ node, table, roster, locator, links })
  const standings: Standings = new Standings({
    asks,
    roster,
    onRead: (of, standing, at) => residence.stands(of, standing, at),
  })
  const blocks = new Blocks({ asks, roster, locator, standings })
  const news = new News({ table, roster, standings })
  const presence = new Presence({ node, asks, table, roster, wall, standings, blocks, news })
  const mailboxes = new Mailboxes({
    ...{ wall, asks, table, roster, blocks, receipts, counters },
    onRead: (to, inflow, at) => deliveries.resume(to, inflow, at),
  })
  const reach = new Reach({ node, roster, locator, networks, standings, blocks })
  const deliveries: Deliveries = new Deliveries({ table, reach, mailboxes, receipts })
  const messages = new Messages({
    ...{ node, roster, locator, standings, links, deliveries, mailboxes, receipts, counters },
  })
  const finds = new Finds(asks, table, counters)
  const prekeys = new Prekeys({ table, roster, locator, counters })
  const shared = { node, table, roster, locator, links, counters }
  const directions = new Directions(fleetKeys[0]!, table, fleet, random.fork('offers'), wall)
  const offers = new Offers({
    ...shared,
    fleet,
    directions,
    reach,
  })
  const residence: Residence = new Residence({
    ...shared,
    ...{ networks, standings, blocks, presence, deliveries, mailboxes, messages, credentials, wall },
  })
  const registration = new Registration({
    ...{ node, asks, networks, standings, presence, mailboxes, links, residence, wall },
  })
  const admission = new Admission({
    ...{ self, random: random.fork('admission'), credentials, wall, table, counters },
    ...{ keepAliveMs, cookiesAbove },
  })
  const peerFrames = new PeerFrames({
    ...{ table, standings, residence, presence, messages, deliveries, offers, finds, prekeys, counters },
  })
  const nodeFrames = new NodeFrames(messages, offers, residence)
  const pushes = new Pushes({
    ...{ roster, networks, standings, presence, news, residence, mailboxes, locator, fleet, counters },
  })
  const drain = new Drain(roster, table)
  const correction = new Correction(wall, roster, table)
  const comeback = new Comeback(roster, (session, at) => registration.again(session, at))
  const doors = { admission, peerFrames, nodeFrames, pushes, links, asks, drain, correction, comeback }
  const state = { wall, counters, table, roster, fleet, credentials, directions }
  /** The parts with deadlines, in the order of their ticks. */
  const timed = [
    asks,
    standings,
    networks,
    registration,
    presence,
    news,
    mailboxes,
    messages,
    offers,
    correction,
    comeback,
  ]
  return { ...doors, ...state, standings, residence, registration, timed }
}
