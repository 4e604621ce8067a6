/**
 * The tables as nodes see them, with the delays and failures of a real cloud:
 *
 * - An answer takes a while and sometimes fails, sometimes although the write was made.
 * - A change reaches the nodes concerned through the streams a little later, in order. A node that is not connected misses
 *   it.
 * - A schedule looks for leases that have ended.
 */
import type { DirectoryReply, DirectoryRequest } from '../../shared/directory.ts'
import type { NodeId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import type { StepKind } from '../../shared/wire/handshake.ts'
import type { Dice } from './dice.ts'
import { pushedBy } from './streams.ts'
import { type Change, Tables } from './tables.ts'
import type { World } from './world.ts'

export interface CloudProfile {
  /** Latency of a request and its answer together. The jitter is the mean of the exponential delay added to it. */
  readonly requestMs: number
  readonly requestJitterMs: number
  /** Delay from a write to the push at the node. */
  readonly streamMs: number
  readonly streamJitterMs: number
  /** Probability that a request is answered `failed`. */
  readonly failure: number
  readonly reapEveryMs: number
}

/** Values measured on AWS. */
export const CLOUD: CloudProfile = {
  requestMs: 4,
  requestJitterMs: 2,
  streamMs: 150,
  streamJitterMs: 60,
  failure: 0,
  reapEveryMs: 5000,
}

export class Cloud {
  readonly tables = new Tables()
  /** Number of requests of each kind. */
  readonly requests: Partial<Record<DirectoryRequest['kind'], number>> = {}
  profile: CloudProfile
  readonly #world: World
  readonly #dice: Dice
  readonly #connected = new Map<NodeId, (push: Push) => void>()
  readonly #history = new Map<string, StepKind>()
  readonly #pushedUntil = new Map<Change['kind'], number>()

  constructor(world: World, profile: CloudProfile = CLOUD) {
    this.#world = world
    this.profile = profile
    this.#dice = world.dice.fork('cloud')
    this.#reap()
  }

  ask(request: DirectoryRequest, take: (reply: DirectoryReply) => void): void {
    const { requestMs, requestJitterMs, failure } = this.profile
    this.requests[request.kind] = (this.requests[request.kind] ?? 0) + 1
    const ms = requestMs + this.#dice.exponential(requestJitterMs)
    const fails = this.#dice.chance(failure)
    const isDone = !fails || this.#dice.chance(0.5)
    this.#world.after(ms / 2, () => {
      const reply = isDone ? this.write((tables) => tables.answer(request)) : undefined
      const heard = fails || reply === undefined ? { kind: 'failed' as const, detail: 'simulated' } : reply
      this.#world.after(ms / 2, () => take(structuredClone(heard)))
    })
  }

  /** Makes a change through INDEX. The streams see it like a change made by a node. */
  write<T>(act: (tables: Tables) => T): T {
    const result = act(this.tables)
    for (let change = this.tables.poll(); change !== undefined; change = this.tables.poll())
      this.#stream(change)
    return result
  }

  /** Stores the technique that worked between two networks. `recall` answers with the delay of a table request. */
  remember(pair: string, technique: StepKind): void {
    this.#history.set(pair, technique)
  }

  recall(pair: string, take: (technique: StepKind | undefined) => void): void {
    this.#world.after(this.profile.requestMs, () => take(this.#history.get(pair)))
  }

  /** Connects the node's WebSocket, which replaces an earlier one. */
  connect(node: NodeId, take: (push: Push) => void): void {
    this.#connected.set(node, take)
  }

  disconnect(node: NodeId): void {
    this.#connected.delete(node)
  }

  /** Pushes a change to the nodes concerned. Each kind of change has its own stream, which keeps its order. */
  #stream(change: Change): void {
    const { streamMs, streamJitterMs } = this.profile
    const due = this.#world.now + streamMs + this.#dice.exponential(streamJitterMs)
    const at = Math.max(due, this.#pushedUntil.get(change.kind) ?? 0)
    this.#pushedUntil.set(change.kind, at)
    this.#world.at(at, () => this.#push(change))
  }

  #push(change: Change): void {
    const pushed = pushedBy(change, this.tables)
    if (pushed === undefined) return
    this.#world.event(`push ${pushed.push.kind} to ${pushed.nodes.join()}`)
    for (const node of pushed.nodes) this.#connected.get(node)?.(structuredClone(pushed.push))
  }

  #reap(): void {
    this.write((tables) => tables.reap(this.#world.now))
    this.#world.after(this.profile.reapEveryMs, () => this.#reap())
  }
}
