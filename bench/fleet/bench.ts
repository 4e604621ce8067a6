/**
 * Measures the AWS usage of a fleet: counts, units and a bill. They come from simulated minutes of an ordinary day. Then a
 * node dies, and the time to recover is measured.
 */
import { bill, dollarsOf, KINDS, type Kind, total } from '../../infra/bill.ts'
import { STREAMS } from '../../infra/functions.ts'
import { type Load, TYPICAL } from '../../infra/load.ts'
import type { Usage } from '../../infra/usage.ts'
import { Day } from './day.ts'
import { Fleet, type FleetCounts } from './fleet.ts'
import { Population } from './population.ts'
import type { Units } from './tables.ts'

export interface FleetSize {
  readonly peers: number
  /** Peers that sign in, and do what all would do. The others are in the tables only. Default: at most SAMPLE. */
  readonly signedIn?: number | undefined
  readonly nodes: number
  readonly networkSize: number
  /** Simulated time. Default: 600 seconds, less for more than 100,000 peers, so that as much happens. */
  readonly seconds?: number | undefined
  readonly progress: (what: string) => void
}

export interface FleetResult {
  readonly peers: number
  /** Peers that signed in, and did what all would do. The others were in the tables only. */
  readonly signedIn: number
  readonly nodes: number
  readonly networkSize: number
  readonly simulatedSeconds: number
  readonly wallSeconds: number
  /** CPU time of the process, and the most memory that it had. */
  readonly cpuSeconds: number
  readonly peakBytes: number
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

type Counted = Readonly<Record<Kind, number>>

/** Peers that sign in by default. A sign-in takes some milliseconds of CPU, both sides. */
const SAMPLE = 20_000
/** Simulated time by default, and the number of peers above which it is shorter. */
const SECONDS = 600
const MANY = 100_000
/** Sign-ins per simulated second while the fleet fills. */
const SIGN_INS = 1_000
/** Time before the count, so that as many peers are away and conversations under way at its beginning as at its end. */
const WARM_UP_SECONDS = 60
/** Interval at which the reaper is called. */
const REAPER_SECONDS = 60
/** Time within which the peers of a dead node sign in elsewhere. */
const MOVING_SECONDS = 25

type Sized = Required<FleetSize> & { readonly signedIn: number; readonly seconds: number }

export async function benchFleet(asked: FleetSize): Promise<FleetResult> {
  const began = Date.now()
  const { peers, signedIn = SAMPLE, seconds = secondsFor(peers) } = asked
  const size: Sized = { ...asked, signedIn: Math.min(signedIn, peers), seconds }
  const population = new Population(peers, size.signedIn, size.networkSize)
  const fleet = new Fleet(population, size.nodes)
  await fleet.start()
  const heapBefore = process.memoryUsage().heapUsed + process.memoryUsage().external
  await signAllIn(fleet, population, size)
  const heapAfter = process.memoryUsage().heapUsed + process.memoryUsage().external
  const done = await ordinary(fleet, population, size)
  const counts = fleet.counts
  const tables = Object.fromEntries([...fleet.tables.units].map(([name, units]) => [name, { ...units }]))
  const death = await die(fleet, population, size)
  const { user, system } = process.cpuUsage()
  return {
    ...{ peers, signedIn: size.signedIn, nodes: size.nodes, networkSize: size.networkSize },
    ...{ simulatedSeconds: seconds, wallSeconds: Math.round((Date.now() - began) / 1000) },
    cpuSeconds: Math.round((user + system) / 1e6),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    heapBytesPerPeer: Math.round((heapAfter - heapBefore) / size.signedIn),
    ...{ done, counts, tables, death },
    bill: billOf(size, tables, counts),
  }
}

const secondsFor = (peers: number): number => Math.max(60, Math.round(SECONDS * Math.min(1, MANY / peers)))

export function loadOf({
  peers,
  nodes,
  networkSize,
}: Pick<FleetSize, 'peers' | 'nodes' | 'networkSize'>): Load {
  const peersPerNode = Math.ceil(peers / Math.max(1, nodes - 1))
  return { ...TYPICAL, peers, networkSize, relayShare: 0, peersPerNode }
}

function billOf(
  size: Sized,
  tables: Readonly<Record<string, Units>>,
  { messages, calls }: FleetCounts,
): FleetResult['bill'] {
  const perSecond = (count: number) => count / size.seconds
  const sum = (of: 'read' | 'write') => Object.values(tables).reduce((all, units) => all + units[of], 0)
  const called = (name: keyof Usage['calls']) => perSecond(calls[name] ?? 0)
  const counted = dollarsOf({
    writes: perSecond(sum('write')),
    reads: perSecond(sum('read')),
    posts: perSecond(messages),
    calls: {
      presence: called('presence'),
      index: called('index'),
      mailbox: called('mailbox'),
      fleet: called('fleet'),
    },
  })
  const lines = bill(loadOf(size))
  const dollars = (kind: Kind) => total(lines.filter((line) => line.kind === kind))
  const estimated = Object.fromEntries(KINDS.map((kind) => [kind, dollars(kind)])) as Counted
  const totalEstimated = total(lines)
  const difference = KINDS.reduce((all, kind) => all + counted[kind] - estimated[kind], 0)
  return { counted, estimated, total: totalEstimated + difference, totalEstimated }
}

async function signAllIn(fleet: Fleet, population: Population, { nodes, progress }: Sized): Promise<void> {
  for (let at = 0; at < population.peers.length; at += SIGN_INS) {
    for (const peer of population.peers.slice(at, at + SIGN_INS)) {
      const node = peer.number % nodes
      fleet.side.signIn(peer, node, fleet.outOf(node), fleet.now)
    }
    await fleet.second()
    fleet.side.welcomed.length = 0
    const online = Math.min(at + SIGN_INS, population.peers.length)
    progress(`${online} of ${population.peers.length} peers are online`)
  }
  while (fleet.waiting > 0) await fleet.second()
}

async function ordinary(fleet: Fleet, population: Population, size: Sized): Promise<FleetResult['done']> {
  const day = new Day(fleet, population, size, -WARM_UP_SECONDS)
  for (let second = -WARM_UP_SECONDS; second < size.seconds; second++) {
    if (second === 0) {
      fleet.reset()
      day.reset()
    }
    for (let quarter = 0; quarter < STREAMS.pollsPerSecond; quarter++) {
      day.begin(second + quarter / STREAMS.pollsPerSecond)
      await fleet.quarter()
    }
    fleet.side.welcomed.length = 0
    if (second % 10 === 0) size.progress(`second ${second} of ${size.seconds}`)
  }
  return { ...day.done, delivered: fleet.side.delivered - day.deliveredBefore }
}

/** Kills a node. Half of its peers sign in elsewhere within 25 s; the other half is gone with it. */
async function die(fleet: Fleet, population: Population, size: Sized): Promise<FleetResult['death']> {
  const { nodes, progress } = size
  const theirs = population.peers.filter(({ at, session }) => at === 0 && session !== undefined)
  const seated = [...fleet.seated.at(0)]
  progress(`a node dies with ${theirs.length + seated.length} peers`)
  const elsewhere = () => 1 + Math.floor(Math.random() * (nodes - 1))
  const moveAt = (second: number) => (_: unknown, i: number) => i % (2 * MOVING_SECONDS) === 2 * second
  fleet.kill(0)
  fleet.reset()
  const began = fleet.now
  for (let second = 0; second < REAPER_SECONDS; second++) {
    for (const peer of theirs.filter(moveAt(second))) {
      const node = elsewhere()
      fleet.side.signIn(peer, node, fleet.outOf(node), fleet.now)
    }
    for (const number of seated.filter(moveAt(second))) await fleet.moveSeated(number, elsewhere())
    await fleet.second()
  }
  for (let reaped = 0; reaped === 0; ) {
    reaped = await fleet.reap()
    for (let second = 0; second < REAPER_SECONDS && (reaped === 0 || fleet.waiting > 0); second++)
      await fleet.second()
  }
  return {
    peers: theirs.length + seated.length,
    secondsToRecover: (fleet.now - began) / 1000,
    peakQueue: fleet.counts.peakQueue,
  }
}
