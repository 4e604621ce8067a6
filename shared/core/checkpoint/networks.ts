/**
 * The networks whose changes are pushed to this node: those of the peers signed in here. A network is joined before the first
 * member's presence is written, so that no change is missed. It is left a minute after the last member has gone. Joining and
 * leaving the same network never overlap, because the table might see them in either order. Joining a network also reads its
 * path policy. A request names up to MANY networks, because a user may be in a thousand.
 */
import { MANY } from '../../directory.ts'
import type { NetworkId, NodeId } from '../../ids.ts'
import { type Paths, strictestOf } from '../../paths.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { Roster } from './roster.ts'

const LINGER_MS = 60_000
/** Delay before path policies that could not be read are read again. */
const AGAIN_MS = 1000

type Then = (now: number) => void

type State =
  | { readonly kind: 'joined'; paths: Paths }
  /** `paths`: the policy, if one was pushed meanwhile. */
  | { readonly kind: 'joining'; readonly waiting: Then[]; paths: Paths | undefined }
  | { readonly kind: 'leaving'; readonly waiting: Then[] }

/** A network to join, and what to call once it is joined. */
interface Joining {
  readonly network: NetworkId
  readonly waiting: Then[]
}

/** A request to read path policies again. */
interface Reading {
  readonly networks: readonly NetworkId[]
  readonly round: number
}

export class Networks {
  readonly #node: NodeId
  readonly #asks: Asks
  readonly #roster: Roster
  readonly #states = new Map<NetworkId, State>()
  readonly #lingering = new DelayLine<NetworkId>(LINGER_MS)
  readonly #again = new DelayLine<Reading>(AGAIN_MS)
  /** Number of policies pushed so far. A read that began before the last push may be out of date. */
  #changes = 0
  /** Number of times that all policies had to be read again. */
  #rounds = 0

  constructor(node: NodeId, asks: Asks, roster: Roster) {
    this.#node = node
    this.#asks = asks
    this.#roster = roster
  }

  /** Joins networks. Calls `then` once the changes of all of them are pushed to this node. */
  join(networks: readonly NetworkId[], then: Then, now: number): void {
    const missing = networks.filter((network) => this.#states.get(network)?.kind !== 'joined')
    let left = missing.length
    if (left === 0) then(now)
    const joined: Then = (at) => {
      if (--left === 0) then(at)
    }
    const unknown: Joining[] = []
    for (const network of missing) {
      const state = this.#states.get(network)
      if (state === undefined) unknown.push({ network, waiting: [joined] })
      else if (state.kind !== 'joined') state.waiting.push(joined)
    }
    this.#ask(unknown, now)
  }

  /**
   * Joins all networks again after the tables have forgotten that this node joined them. Calls `then` when all are joined. A
   * network that was being joined at that time is joined twice.
   */
  joinAgain(then: Then, now: number): void {
    const networks = [...this.#states]
      .filter(([, { kind }]) => kind !== 'leaving')
      .map(([network]) => network)
    const again = (at: number): void => {
      const joined = networks.filter((network) => this.#states.get(network)?.kind === 'joined')
      this.#ask(
        joined.map((network) => ({ network, waiting: [] })),
        at,
      )
      this.join(networks, then, at)
    }
    this.join(networks, again, now)
  }

  /** Call when members have gone. A network without members is left after LINGER_MS. */
  left(networks: readonly NetworkId[], now: number): void {
    for (const network of networks) {
      if (this.#roster.inNetwork(network).size === 0) this.#lingering.put(network, now)
    }
  }

  /** Finds the strictest path policy of several networks, once all of them are joined. */
  pathsWithin(networks: readonly NetworkId[], then: (paths: Paths, now: number) => void, now: number): void {
    const known = (at: number) => then(strictestOf(networks.map((network) => this.#pathsOf(network))), at)
    this.join(networks, known, now)
  }

  setPaths(network: NetworkId, paths: Paths): void {
    this.#changes++
    this.#set(network, paths)
  }

  /** Reads all path policies again, as pushes may have been missed: MANY networks at a time, until it succeeds. */
  readAgain(now: number): void {
    const round = ++this.#rounds
    const joined = [...this.#states].filter(([, { kind }]) => kind === 'joined').map(([network]) => network)
    for (const networks of inParts(joined)) this.#readPaths({ networks, round }, now)
  }

  tick(now: number): void {
    for (let again = this.#again.take(now); again !== undefined; again = this.#again.take(now))
      this.#readPaths(again, now)
    const unneeded = new Set<NetworkId>()
    for (let one = this.#lingering.take(now); one !== undefined; one = this.#lingering.take(now)) {
      const isNeeded = this.#roster.inNetwork(one).size > 0
      if (!isNeeded && this.#states.get(one)?.kind === 'joined') unneeded.add(one)
    }
    for (const networks of inParts([...unneeded])) this.#leave(networks, now)
  }

  deadline(): number {
    return Math.min(this.#lingering.deadline(), this.#again.deadline())
  }

  #readPaths(reading: Reading, now: number): void {
    const { networks, round } = reading
    if (round !== this.#rounds) return
    const at = this.#changes
    this.#asks.ask(
      { kind: 'paths', networks },
      (reply, then) => {
        if (round !== this.#rounds) return
        if (reply.kind === 'failed' || at !== this.#changes) this.#again.put(reading, then)
        else for (const [i, network] of networks.entries()) this.#set(network, reply.paths[i]!)
      },
      now,
    )
  }

  #set(network: NetworkId, paths: Paths): void {
    const state = this.#states.get(network)
    if (state !== undefined && state.kind !== 'leaving') state.paths = paths
  }

  #pathsOf(network: NetworkId): Paths {
    const state = this.#states.get(network)
    return state?.kind === 'joined' ? state.paths : 'auto'
  }

  #ask(all: readonly Joining[], now: number): void {
    for (const part of inParts(all)) this.#askPart(part, now)
  }

  #askPart(part: readonly Joining[], now: number): void {
    const states = part.map(({ network, waiting }) => {
      const joining = { kind: 'joining', waiting, paths: undefined as Paths | undefined } as const
      this.#states.set(network, joining)
      return joining
    })
    const networks = part.map(({ network }) => network)
    const joined = (reply: ReplyTo<'joinNetworks'>, at: number): void => {
      for (const [i, network] of networks.entries()) {
        const paths = states[i]!.paths ?? (reply.kind === 'failed' ? 'auto' : reply.paths[i]!)
        this.#states.set(network, { kind: 'joined', paths })
      }
      this.left(networks, at)
      for (const { waiting } of part) for (const then of waiting) then(at)
    }
    this.#asks.ask({ kind: 'joinNetworks', networks, node: this.#node }, joined, now)
  }

  #leave(networks: readonly NetworkId[], now: number): void {
    const leaving = networks.map((network): Joining => ({ network, waiting: [] }))
    for (const { network, waiting } of leaving) this.#states.set(network, { kind: 'leaving', waiting })
    const left = (_: unknown, at: number): void => {
      const needed = leaving.filter(({ waiting }) => waiting.length > 0)
      for (const { network } of leaving) this.#states.delete(network)
      this.#ask(needed, at)
    }
    this.#asks.ask({ kind: 'leaveNetworks', networks, node: this.#node }, left, now)
  }
}

/** Parts of a list, each short enough for one request. */
function inParts<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / MANY) }, (_, i) => list.slice(i * MANY, (i + 1) * MANY))
}
