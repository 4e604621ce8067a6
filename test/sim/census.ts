/**
 * Plays pairs of a population. Each pair signs in, opens a tunnel, and is watched until both sides send directly or the time
 * is up. A few pairs share a world and its nodes. Worlds are small so that a seed is enough to replay what happened.
 */
import type { StepKind } from '../../shared/wire/handshake.ts'
import type { Dice } from './dice.ts'
import type { Peer } from './peer.ts'
import { drawPair, POPULATIONS, type PopulationName } from './population.ts'
import { System } from './system.ts'
import type { Tunnel } from './tunnel.ts'

/** Pairs of one world. */
export const BATCH = 10
/** Number of world seeds reserved for each seed of a census. */
const WORLDS = 1_000_000
/**
 * How long a pair is watched: about the length of a call or a game. It allows five attempts, with growing pauses between
 * them.
 */
const WATCHED_MS = 600_000
/** Peers start at random times within this span. */
const SPREAD_MS = 3000
/** Time between sign-in and offer. After it, a new peer is in the tables. */
const SETTLE_MS = 1000
const LOOK_MS = 100
const TALK_MS = 500
/** Once both sides have sent directly for this long, the path counts as stable. */
const STEADY_MS = 1500

export interface PairOutcome {
  readonly world: number
  readonly kinds: readonly [string, string]
  /** True if data arrived in both directions. */
  readonly connected: boolean
  readonly path: 'direct' | 'relayed' | 'none'
  readonly whyNotDirect?: string
  /** The technique that opened the direct path. */
  readonly technique?: StepKind
  readonly firstByteMs?: number
  readonly directMs?: number
  /** Number of probes that both sides sent in the steps of HANDSHAKE. */
  readonly packets: number
}

export interface BatchOutcome {
  readonly pairs: readonly PairOutcome[]
  readonly hash: string
}

/** Divides `pairs` among worlds, at most `BATCH` to a world. */
export function batchesOf(seed: number, pairs: number): { readonly world: number; readonly count: number }[] {
  return Array.from({ length: Math.ceil(pairs / BATCH) }, (_, i) => ({
    world: seed * WORLDS + i,
    count: Math.min(BATCH, pairs - i * BATCH),
  }))
}

export function playBatch(
  name: PopulationName,
  world: number,
  count = BATCH,
  tell?: (line: string) => void,
): BatchOutcome {
  const system = new System({ seed: world, tell })
  const dice = system.world.dice.fork('census')
  const couples = Array.from({ length: count }, (_, i) => settle(system, name, dice, i))
  let at = 0
  const allOver = (): boolean => {
    while (at < count && couples[at]!.over) at++
    return at === count
  }
  system.world.until(allOver, SPREAD_MS + 2 * WATCHED_MS)
  return { pairs: couples.map((couple) => couple.outcome), hash: system.world.trace.hash }
}

function settle(system: System, name: PopulationName, dice: Dice, i: number): Couple {
  const [first, second] = drawPair(POPULATIONS[name], dice)
  const networks = [system.network()]
  const site = system.site(`${i} a`, first.setting)
  const sites = [site, second === undefined ? site : system.site(`${i} b`, second.setting)] as const
  const [a, b] = ['a', 'b'].map((side, at) => system.peer(`${i} ${side}`, { networks, site: sites[at]! }))
  const kinds =
    second === undefined ? (['same-site', 'same-site'] as const) : ([first.kind, second.kind] as const)
  const couple = new Couple(system, [a!, b!], kinds)
  system.world.after(dice.float() * SPREAD_MS, () => couple.begin())
  return couple
}

class Couple {
  over = false
  readonly #system: System
  readonly #peers: readonly [Peer, Peer]
  readonly #kinds: readonly [string, string]
  #ends: readonly [Tunnel, Tunnel] | undefined
  #directSince = Number.POSITIVE_INFINITY
  #endAt = Number.POSITIVE_INFINITY

  constructor(system: System, peers: readonly [Peer, Peer], kinds: readonly [string, string]) {
    this.#system = system
    this.#peers = peers
    this.#kinds = kinds
  }

  begin(): void {
    this.#endAt = this.#now + WATCHED_MS
    for (const peer of this.#peers) peer.start()
    this.#awaitSignIn()
  }

  get outcome(): PairOutcome {
    const [kinds, ends] = [this.#kinds, this.#ends]
    const world = this.#system.world.seed
    if (ends === undefined) return { world, kinds, connected: false, path: 'none', packets: 0 }
    const statuses = ends.map(({ machine }) => machine.status)
    const isDirect = this.#isDirect
    const { whyNotDirect, firstByteMs, directMs, effort } = statuses[0]!
    return {
      world,
      kinds,
      connected: ends.every(({ received }) => received.size > 0),
      path: isDirect ? 'direct' : statuses.some(({ path }) => path === 'none') ? 'none' : 'relayed',
      ...(!isDirect && whyNotDirect !== undefined && { whyNotDirect }),
      ...(isDirect && effort.technique !== undefined && { technique: effort.technique }),
      ...(firstByteMs !== undefined && { firstByteMs }),
      ...(isDirect && directMs !== undefined && { directMs }),
      packets: statuses.reduce((sum, { effort: { packets } }) => sum + packets, 0),
    }
  }

  #awaitSignIn(): void {
    if (this.#peers.every((peer) => this.#system.isReachable(peer))) {
      this.#system.world.after(SETTLE_MS, () => this.#meet())
    } else this.#again(() => this.#awaitSignIn())
  }

  #meet(): void {
    const [a, b] = this.#peers
    const attempt = a.connect(b)
    const look = (): void => {
      const far = attempt.tunnel && [...b.tunnels.values()][0]
      if (attempt.tunnel === undefined || far === undefined) this.#again(look)
      else this.#follow([attempt.tunnel, far])
    }
    look()
  }

  #follow(ends: readonly [Tunnel, Tunnel]): void {
    this.#ends = ends
    for (const end of ends) end.talk(TALK_MS, WATCHED_MS)
    this.#watch()
  }

  #watch(): void {
    this.#directSince = this.#isDirect ? Math.min(this.#directSince, this.#now) : Number.POSITIVE_INFINITY
    if (this.#now >= this.#directSince + STEADY_MS) this.#end()
    else this.#again(() => this.#watch())
  }

  #again(look: () => void): void {
    if (this.#now >= this.#endAt) this.#end()
    else this.#system.world.after(LOOK_MS, look)
  }

  /** Ends the pair. Its results stay readable, and its peers use no more time. */
  #end(): void {
    this.over = true
    for (const peer of this.#peers) peer.kill()
  }

  get #isDirect(): boolean {
    return this.#ends?.every(({ path }) => path === 'direct') ?? false
  }

  get #now(): number {
    return this.#system.world.now
  }
}
