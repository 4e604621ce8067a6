/**
 * Measures the AWS usage of a fleet: counts, units and a bill. They come from simulated minutes of an ordinary day. Then a
 * node dies, and the time to recover is measured.
 */
import { bill, type Load, TYPICAL, total } from '../../infra/bill.ts'
import { HOURS, PRICES } from '../../infra/prices.ts'
import { Fleet, type FleetCounts } from './fleet.ts'
import { type BenchPeer, Population } from './population.ts'
import type { Units } from './tables.ts'

export interface FleetSize {
  readonly peers: number
  readonly nodes: number
  readonly networkSize: number
  /** Seconds of simulated time. */
  readonly seconds: number
  readonly progress: (what: string) => void
}

export interface FleetResult {
  readonly peers: number
  readonly nodes: number
  readonly networkSize: number
  readonly simulatedSeconds: number
  readonly wallSeconds: number
  readonly heapBytesPerPeer: number
  readonly done: {
    readonly signIns: number
    readonly signOuts: number
    readonly statuses: number
    readonly messages: number
    readonly delivered: number
  }
  readonly counts: FleetCounts
  readonly tables: Readonly<Record<string, Units>>
  readonly death: { readonly peers: number; readonly secondsToRecover: number; readonly peakQueue: number }
  /** Dollars per month: as counted here, and as estimated by `npm run cost`. */
  readonly bill: {
    readonly counted: Counted
    readonly estimated: Counted
    readonly total: number
    readonly totalEstimated: number
  }
}

interface Counted {
  readonly writes: number
  readonly reads: number
  readonly pushes: number
}

/** Sign-ins per simulated second while the fleet fills. */
const SIGN_INS = 5_000
const AWAY_SECONDS = 60
const DAY = 86_400
const SECONDS_A_MONTH = HOURS * 3600

/** Share of transitions that are sign-ins. As many are sign-outs; the rest are status changes. */
const SIGN_IN_SHARE = 0.3

export async function benchFleet(size: FleetSize): Promise<FleetResult> {
  const began = Date.now()
  const population = new Population(size.peers, size.networkSize)
  const fleet = new Fleet(population, size.nodes)
  await fleet.start()
  const heapBefore = process.memoryUsage().heapUsed + process.memoryUsage().external
  await signAllIn(fleet, population, size)
  const heapAfter = process.memoryUsage().heapUsed + process.memoryUsage().external
  reset(fleet)
  const done = await ordinary(fleet, population, size)
  const counts = { ...fleet.counts }
  const tables = Object.fromEntries([...fleet.tables.units].map(([name, units]) => [name, { ...units }]))
  const death = await die(fleet, population, size)
  return {
    ...{ peers: size.peers, nodes: size.nodes, networkSize: size.networkSize },
    ...{ simulatedSeconds: size.seconds, wallSeconds: Math.round((Date.now() - began) / 1000) },
    heapBytesPerPeer: Math.round((heapAfter - heapBefore) / size.peers),
    ...{ done, counts, tables, death },
    bill: billOf(size, tables, counts),
  }
}

export function loadOf({
  peers,
  nodes,
  networkSize,
}: Pick<FleetSize, 'peers' | 'nodes' | 'networkSize'>): Load {
  const peersPerNode = Math.ceil(peers / Math.max(1, nodes - 1))
  return { ...TYPICAL, peers, networkSize, relayShare: 0, peersPerNode }
}

function billOf(
  size: FleetSize,
  tables: Readonly<Record<string, Units>>,
  counts: FleetCounts,
): FleetResult['bill'] {
  const a_month = SECONDS_A_MONTH / size.seconds / 1e6
  const { writeMillion, readMillion } = PRICES.dynamodb
  const sum = (of: 'read' | 'write') => Object.values(tables).reduce((all, units) => all + units[of], 0)
  const counted = {
    writes: sum('write') * a_month * writeMillion,
    reads: sum('read') * a_month * readMillion,
    pushes: counts.messages * a_month * PRICES.websocketApi.messageMillion,
  }
  const lines = bill(loadOf(size))
  const dollars = (what: string) => lines.find((line) => line.what.startsWith(what))?.dollars ?? 0
  const estimated = { writes: dollars('writes'), reads: dollars('reads'), pushes: dollars('pushes') }
  const totalEstimated = total(lines)
  const difference =
    counted.writes + counted.reads + counted.pushes - estimated.writes - estimated.reads - estimated.pushes
  return { counted, estimated, total: totalEstimated + difference, totalEstimated }
}

async function signAllIn(
  fleet: Fleet,
  population: Population,
  { nodes, progress }: FleetSize,
): Promise<void> {
  for (let at = 0; at < population.peers.length; at += SIGN_INS) {
    for (const peer of population.peers.slice(at, at + SIGN_INS)) {
      const node = peer.number % nodes
      fleet.side.signIn(peer, node, fleet.outOf(node), fleet.now)
    }
    await fleet.second()
    fleet.side.welcomed.length = 0
    progress(
      `${Math.min(at + SIGN_INS, population.peers.length)} of ${population.peers.length} peers are online`,
    )
  }
  while (waiting(fleet) > 0) await fleet.second()
}

async function ordinary(fleet: Fleet, population: Population, size: FleetSize): Promise<FleetResult['done']> {
  const rate = (perDay: number) => (size.peers * perDay) / DAY
  const leaves = new Pace(rate(TYPICAL.transitionsPerDay * SIGN_IN_SHARE))
  const changes = new Pace(rate(TYPICAL.transitionsPerDay * (1 - 2 * SIGN_IN_SHARE)))
  const conversations = new Pace(rate(TYPICAL.messagesPerDay / TYPICAL.messagesPerConversation))
  const talks: { readonly from: BenchPeer; readonly to: BenchPeer; readonly left: number }[] = []
  const mail = new Pace(rate(TYPICAL.messagesPerDay * TYPICAL.mailShare))
  const done = { signIns: 0, signOuts: 0, statuses: 0, messages: 0, delivered: 0 }
  const delivered = fleet.side.delivered
  const away: { readonly peer: BenchPeer; readonly until: number }[] = []
  const some = () => somebody(population)
  // Starts before the count does, so that some peers are away at its beginning as at its end.
  for (let second = -AWAY_SECONDS; second < size.seconds; second++) {
    if (second === 0) {
      reset(fleet)
      Object.assign(done, { signIns: 0, signOuts: 0, statuses: 0, messages: 0 })
    }
    for (let i = leaves.next(); i > 0; i--) {
      const peer = some()
      fleet.side.signOut(peer, fleet.outOf(peer.at), fleet.now)
      away.push({ peer, until: second + AWAY_SECONDS })
      done.signOuts++
    }
    while (away[0] !== undefined && away[0].until <= second) {
      const { peer } = away.shift()!
      const node = Math.floor(Math.random() * size.nodes)
      fleet.side.signIn(peer, node, fleet.outOf(node), fleet.now)
      done.signIns++
    }
    for (let i = changes.next(); i > 0; i--) {
      const peer = some()
      fleet.side.setStatus(peer, peer.version % 2 ? 'away' : 'online', fleet.outOf(peer.at), fleet.now)
      done.statuses++
    }
    for (let i = conversations.next(); i > 0; i--) {
      const from = some()
      talks.push({ from, to: population.neighbourOf(from), left: TYPICAL.messagesPerConversation })
    }
    for (const talk of talks.splice(0)) {
      const { from, to, left } = talk
      fleet.side.message(from, to, fleet.outOf(from.at), fleet.now)
      done.messages++
      if (left > 1) talks.push({ from: to, to: from, left: left - 1 })
    }
    for (let i = mail.next(); i > 0 && away.length > 0; i--) {
      const { peer } = away[Math.floor(Math.random() * away.length)]!
      const from = population.neighbourOf(peer)
      fleet.side.message(from, peer, fleet.outOf(from.at), fleet.now)
    }
    await fleet.second()
    fleet.side.welcomed.length = 0
    if (second % 60 === 0) size.progress(`second ${second} of ${size.seconds}`)
  }
  done.delivered = fleet.side.delivered - delivered
  return done
}

/** Kills a node. Half of its peers sign in elsewhere within 25 s; the other half is gone with it. */
async function die(
  fleet: Fleet,
  population: Population,
  { nodes }: FleetSize,
): Promise<FleetResult['death']> {
  const theirs = population.peers.filter(({ at, session }) => at === 0 && session !== undefined)
  fleet.kill(0)
  fleet.counts.peakQueue = 0
  const began = fleet.now
  for (let second = 0; second < 60; second++) {
    for (const peer of theirs.filter((_, i) => i % 2 === 0 && i % 50 === second * 2)) {
      const node = 1 + Math.floor(Math.random() * (nodes - 1))
      fleet.side.signIn(peer, node, fleet.outOf(node), fleet.now)
    }
    await fleet.second()
  }
  while ((await fleet.reap()) === 0) await fleet.second()
  do await fleet.second()
  while (waiting(fleet) > 0)
  return {
    peers: theirs.length,
    secondsToRecover: (fleet.now - began) / 1000,
    peakQueue: fleet.counts.peakQueue,
  }
}

function waiting(fleet: Fleet): number {
  return [...fleet.tables.streams.values()].reduce((sum, { length }) => sum + length, 0)
}

function reset(fleet: Fleet): void {
  Object.assign(fleet.counts, { posts: 0, messages: 0, invocations: 0, records: 0, peakQueue: 0 })
  fleet.tables.units.clear()
}

function somebody({ peers }: Population): BenchPeer {
  for (;;) {
    const peer = peers[Math.floor(Math.random() * peers.length)]!
    if (peer.session !== undefined) return peer
  }
}

/** Spreads events evenly over seconds, also at a rate of less than one per second. */
class Pace {
  readonly #perSecond: number
  #due = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  next(): number {
    this.#due += this.#perSecond
    const whole = Math.floor(this.#due)
    this.#due -= whole
    return whole
  }
}
