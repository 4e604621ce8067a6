/** Plays a schedule on a real system and real peers, and leaves its history in a folder. */
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Acts } from './acts.ts'
import { judge } from './check/verdict.ts'
import { type Entry, parseHistory } from './history.ts'
import { Group } from './peers/group.ts'
import type { PeerPlan } from './peers/messages.ts'
import { Processor } from './processor.ts'
import { Recorder } from './recorder.ts'
import { Registrar } from './registrar.ts'
import { QUIET_MS, type Round, type Schedule, usersOf } from './schedule.ts'
import { buildStage, type Stage } from './stage/stage.ts'

/** The promise: everybody sees the truth this long after the last change. */
const CONVERGE_MS = 10_000
/** Longest wait for processes of peers to start, and to report. A busy machine takes long. */
const START_MS = 300_000
const PATIENCE_MS = 90_000
/** Share of the chaos after which the peers that left in the last quiet time return. */
const RETURN_AT = 0.4
/** Longest time for the last messages to settle and to arrive: the longest that a recipient holds messages, and more. */
const DRAIN_MS = 100_000
const LOOK_MS = 500
/** Longest wait for writes to be acknowledged, and for reading all. A busy machine may need longer: then what is written counts as such. */
const SETTLE_MS = 15_000
/** A machine that is busy with other things may stretch a run by this share of it, no longer. */
const MOST_STRETCH = 0.25

export interface Progress {
  readonly round: number
  readonly of: number
  readonly phase: string
  readonly sent: number
  readonly pending: number
  readonly received: number
}

export interface PlayOptions {
  /** Folder of the history and of the homes. */
  readonly folder: string
  readonly progress: (progress: Progress) => void
  readonly log: (line: string) => void
}

/** Plays a schedule. Rejects if the system or a process of peers cannot be started, or breaks. */
export async function play(schedule: Schedule, options: PlayOptions): Promise<Entry[]> {
  const { folder, log } = options
  const history = join(folder, 'history')
  mkdirSync(history, { recursive: true })
  const { nodes, groups, seed } = schedule
  const stage = await buildStage({ nodes, groups, seed, folder, log })
  const made: Group[] = []
  try {
    const conductor = new Conductor(schedule, stage, made, options)
    await conductor.begin()
    for (const [i, round] of schedule.rounds.entries()) if (conductor.hasTime) await conductor.round(round, i)
    await conductor.drain()
  } finally {
    for (const each of made) each.resume()
    await Promise.all(made.map((each) => each.end()))
    await stage.close()
    rmSync(join(folder, 'homes'), { recursive: true, force: true })
  }
  const failures = made.flatMap((each) => each.failures)
  if (failures.length > 0) throw new Error(`processes of peers failed: ${failures.join('; ')}`)
  return entriesOf(folder)
}

/** Reads the history that a run left in a folder. */
export function entriesOf(folder: string): Entry[] {
  const files = globSync(join(folder, 'history', '*.jsonl'))
  return parseHistory(files.map((file) => readFileSync(file, 'utf8')).join(''))
}

class Conductor {
  readonly #schedule: Schedule
  readonly #groups: Group[]
  readonly #stage: Stage
  readonly #options: PlayOptions
  readonly #recorder: Recorder
  readonly #registrar: Registrar
  readonly #acts: Acts
  readonly #processor: Processor
  /** The last round begins before this time, by the clock of `performance`. */
  #lastRoundAt = Number.POSITIVE_INFINITY
  #round = 0
  #phase = 'start'
  #paced = 1

  constructor(schedule: Schedule, stage: Stage, groups: Group[], options: PlayOptions) {
    this.#schedule = schedule
    this.#stage = stage
    this.#groups = groups
    this.#options = options
    this.#recorder = new Recorder(join(options.folder, 'history', 'conductor.jsonl'))
    this.#registrar = new Registrar(stage, this.#recorder)
    this.#processor = new Processor(this.#recorder, lengthOf(schedule) * MOST_STRETCH)
    const actors = { schedule, stage, groups, registrar: this.#registrar, recorder: this.#recorder }
    this.#acts = new Acts(actors)
  }

  async begin(): Promise<void> {
    const { groups, peersPerGroup, seed, rate } = this.#schedule
    this.#tell('start')
    await this.#registrar.found(usersOf(this.#schedule))
    for (let i = 0; i < groups; i++) this.#groups.push(new Group())
    const begun = this.#groups.map(async (group, i) => {
      const peers: PeerPlan[] = []
      for (let p = i * peersPerGroup; p < (i + 1) * peersPerGroup; p++) peers.push(await this.#planOf(p))
      const history = join(this.#options.folder, 'history', `peers-${i}.jsonl`)
      const networks = this.#registrar.networks
      const plan = { seed: `${seed} ${i}`, index: this.#stage.indexes[i]!, history, peers, networks }
      const reported = group.report('begun', START_MS)
      group.order({ kind: 'begin', plan })
      return (await reported).ids
    })
    const names = Object.assign({}, ...(await Promise.all(begun))) as Record<string, string>
    for (const group of this.#groups) group.order({ kind: 'meet', names, rate: rate / groups })
    this.#lastRoundAt = performance.now() + lengthOf(this.#schedule) * (1 + MOST_STRETCH)
  }

  /** False if the run has taken so long that it ends now. */
  get hasTime(): boolean {
    return performance.now() < this.#lastRoundAt
  }

  /** One round: chaos, then quiet. */
  async round(round: Round, number: number): Promise<void> {
    this.#round = number
    this.#tell('chaos')
    this.#recorder.record({ kind: 'chaos', round: number })
    const start = this.#processor.now()
    let isBack = false
    for (const act of round.acts) {
      await this.#until(start + act.at)
      if (!isBack && act.at > round.chaosMs * RETURN_AT) {
        this.#acts.bringAllBack()
        isBack = true
      }
      this.#acts.perform(act)
    }
    await this.#until(start + round.chaosMs)
    await this.#quiet(round, number)
  }

  /** Waits until every message has an outcome and has arrived, all peers being there. */
  async drain(): Promise<void> {
    this.#tell('drain')
    for (const group of this.#groups) group.order({ kind: 'hush' })
    this.#acts.bringAllBack()
    const until = this.#processor.now() + DRAIN_MS
    let received = -1
    while (this.#processor.now() < until) {
      await wait(2 * LOOK_MS)
      this.#tell('drain')
      const isSettled = this.#groups.every(({ counts }) => counts.pending === 0 && counts.away === 0)
      const before = received
      received = this.#groups.reduce((sum, { counts }) => sum + counts.received, 0)
      if (isSettled && received === before && judge(entriesOf(this.#options.folder)).lost === 0) break
    }
    this.#processor.stop()
    this.#recorder.record({ kind: 'ended' })
    this.#recorder.close()
  }

  async #quiet(round: Round, number: number): Promise<void> {
    this.#acts.mendAll()
    this.#acts.bringAllBack()
    this.#tell('quiet')
    this.#recorder.record({ kind: 'quiet', round: number })
    await this.#all('spoke', { kind: 'speak', round: number })
    const spokenAt = this.#processor.now()
    const { block } = this.#schedule.rounds[number - 1] ?? {}
    if (block !== undefined) void this.#registrar.block(block.user, block.blocked, false)
    await atMost(SETTLE_MS, this.#registrar.settled())
    const settledAt = this.#processor.now()
    await this.#until(spokenAt + CONVERGE_MS)
    await this.#all('looked', { kind: 'look', round: number, phase: 'all' })
    for (const peer of round.leavers) this.#acts.leave(peer)
    const leftAt = this.#processor.now()
    await this.#until(settledAt + CONVERGE_MS)
    await atMost(SETTLE_MS, this.#registrar.readAll(SETTLE_MS))
    const next = this.#schedule.rounds[number]?.block
    if (next !== undefined && number + 1 < this.#schedule.rounds.length)
      await atMost(SETTLE_MS, this.#registrar.block(next.user, next.blocked, true))
    await this.#until(leftAt + CONVERGE_MS)
    await this.#all('looked', { kind: 'look', round: number, phase: 'left' })
  }

  async #planOf(peer: number): Promise<PeerPlan> {
    const user = peer % usersOf(this.#schedule)
    const home = join(this.#options.folder, 'homes', `p${peer}`)
    mkdirSync(join(home, '..'), { recursive: true })
    return { peer, user: `u${user}`, invite: await this.#registrar.invite(user), home }
  }

  async #all(
    kind: 'spoke' | 'looked',
    order: Extract<Parameters<Group['order']>[0], { kind: 'speak' | 'look' }>,
  ): Promise<void> {
    const reports = this.#groups.map((group) =>
      group.report(kind, PATIENCE_MS, (report) => report.round === order.round),
    )
    for (const group of this.#groups) group.order(order)
    await Promise.all(reports)
  }

  /** Waits until this time of the processor. */
  async #until(time: number): Promise<void> {
    for (let left = time - this.#processor.now(); left > 0; left = time - this.#processor.now()) {
      await wait(Math.min(LOOK_MS, left))
      this.#tell(this.#phase)
      this.#pace()
    }
  }

  /** Has peers send as much as the machine carries. */
  #pace(): void {
    const { share } = this.#processor
    if (share === this.#paced) return
    this.#paced = share
    for (const group of this.#groups) group.order({ kind: 'pace', share })
  }

  #tell(phase: string): void {
    this.#phase = phase
    const sum = (of: 'sent' | 'pending' | 'received') =>
      this.#groups.reduce((so, { counts }) => so + counts[of], 0)
    const figures = { sent: sum('sent'), pending: sum('pending'), received: sum('received') }
    const [round, of] = [this.#round + 1, this.#schedule.rounds.length]
    this.#options.progress({ round, of, phase, ...figures })
  }
}

/** Milliseconds that the rounds of a schedule take. */
const lengthOf = ({ rounds }: Schedule): number =>
  rounds.reduce((sum, { chaosMs }) => sum + chaosMs + QUIET_MS, 0)

/** Resolves when the work is done, or its time is over. The work goes on, and nobody minds if it fails then. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  const { signal } = timer
  await Promise.race([work, wait(ms, undefined, { signal }).catch(() => {})])
  timer.abort()
  work.catch(() => {})
}
