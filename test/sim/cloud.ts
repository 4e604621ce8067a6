/**
 * The tables as nodes meet them: an answer takes a while and sometimes fails, sometimes after the write was made all the
 * same; a change reaches the nodes concerned through the streams a little later, in order, and not at all while a node is
 * not connected. A schedule looks for leases that ended.
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
  /** Of one request and its answer; mean of what is added. */
  readonly requestMs: number
  readonly requestJitterMs: number
  /** From a write to the push at the node. */
  readonly streamMs: number
  readonly streamJitterMs: number
  /** Probability that a request is answered `failed`. */
  readonly failure: number
  readonly reapEveryMs: number
}

/** As measured on AWS: see facts in DESIGN section 2. */
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
  /** How many there were of each kind. */
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

  /** A change made through INDEX; the streams see it as they see those of nodes. */
  write<T>(act: (tables: Tables) => T): T {
    const result = act(this.tables)
    for (let change = this.tables.poll(); change !== undefined; change = this.tables.poll())
      this.#stream(change)
    return result
  }

  /** What worked between two networks: `recall` answers as a request to a table does. */
  remember(pair: string, technique: StepKind): void {
    this.#history.set(pair, technique)
  }

  recall(pair: string, take: (technique: StepKind | undefined) => void): void {
    this.#world.after(this.profile.requestMs, () => take(this.#history.get(pair)))
  }

  /** The node's WebSocket. A second one replaces the first. */
  connect(node: NodeId, take: (push: Push) => void): void {
    this.#connected.set(node, take)
  }

  disconnect(node: NodeId): void {
    this.#connected.delete(node)
  }

  /** Each table has a stream of its own, and keeps its order. */
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
