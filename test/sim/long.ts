/**
 * A long run: thousands of peers live for hours of simulated time, with nodes that die, drain and come back, and tables that fail
 * at times. In the last minutes of each hour everything is quiet, and the truth is compared: every peer is reachable, sees each
 * member of its network as it is, and has every message. What is over is then forgotten, so memory must stay flat.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Dice } from './dice.ts'
import { type Deeds, Resident } from './resident.ts'
import { System } from './system.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Quiet part of each hour: longer than a dead peer is believed to be there, and than a message waits for another one. */
const QUIET_MS = 4 * MINUTE
const MEMBERS = 12
const LOSS = 0.02
const PEERS_PER_NODE = 2_500
/** Peers begin over this time. */
const ARRIVAL_MS = 10 * MINUTE
const TROUBLE_MS = 30 * MINUTE
const TOLD = 20
const MOST_GROWTH = 1.1

export interface LongSetting {
  readonly seed: number
  readonly hours: number
  readonly peers: number
  /** Called after each simulated hour, and ten times within it. */
  readonly tell: (line: string) => void
  /** Plants a fault, to show that it is found. */
  readonly plant?: (system: System) => void
}

export interface LongOutcome {
  /** True if no invariant was broken and memory grew by at most a tenth after the first hour. */
  readonly ok: boolean
  readonly seed: number
  readonly hours: number
  readonly peers: number
  readonly nodes: number
  readonly messages: { readonly sent: number; readonly acknowledged: number; readonly delivered: number }
  readonly deeds: Deeds
  readonly nodesEnded: number
  /** How often one peer's view of another one was compared with the truth. */
  readonly looks: number
  readonly violations: number
  readonly first: readonly string[]
  /** Bytes in use after the first hour and at the end, and their ratio. */
  readonly memory: { readonly firstHour: number; readonly end: number; readonly ratio: number }
  readonly seconds: number
  readonly hash: string
}

export function playLong(setting: LongSetting): LongOutcome {
  const startedAt = performance.now()
  const run = new Long(setting)
  const memory: number[] = []
  for (let hour = 1; hour <= setting.hours; hour++) {
    run.hour(hour)
    memory.push(bytesInUse())
    setting.tell(`${run.told(hour)}, ${(memory.at(-1)! / 1e6).toFixed(0)} MB, ${since(startedAt)} s`)
  }
  const [firstHour = 0, end = 0] = [memory[0], memory.at(-1)]
  const ratio = Math.round((end / firstHour) * 1000) / 1000
  const { seed, hours, peers } = setting
  const outcome = run.outcome()
  const ok = outcome.violations === 0 && ratio <= MOST_GROWTH
  const memoryUsed = { firstHour, end, ratio }
  return { ok, seed, hours, peers, ...outcome, memory: memoryUsed, seconds: since(startedAt) }
}

const since = (at: number): number => Math.round((performance.now() - at) / 100) / 10

class Long {
  readonly #setting: LongSetting
  readonly #system: System
  readonly #dice: Dice
  readonly #residents: readonly Resident[]
  readonly #deeds: Deeds = { write: 0, status: 0, search: 0, move: 0, leave: 0, die: 0 }
  readonly #violations: string[] = []
  #addresses = 0
  #nodesEnded = 0
  #looks = 0
  #isQuiet = false

  constructor(setting: LongSetting) {
    this.#setting = setting
    const { seed, peers } = setting
    const nodes = Math.max(3, Math.ceil(peers / PEERS_PER_NODE))
    this.#system = new System({ seed, nodes, capacity: 4 * PEERS_PER_NODE })
    this.#system.world.trace.hashesDatagrams = false
    setting.plant?.(this.#system)
    this.#dice = this.#system.world.dice.fork('long')
    this.#residents = this.#settle(peers)
    for (const each of this.#residents)
      this.#system.world.after(this.#dice.float() * ARRIVAL_MS, () => each.begin())
    this.#trouble()
  }

  /** Lets an hour pass, and examines its end. */
  hour(number: number): void {
    const { world } = this.#system
    const step = (HOUR - QUIET_MS) / 10
    for (let part = 1; part <= 10; part++) {
      world.pass(step)
      this.#setting.tell(`hour ${number} of ${this.#setting.hours}, ${part * 10} %`)
    }
    this.#isQuiet = true
    for (const each of this.#residents) each.quiet()
    world.pass(QUIET_MS)
    this.#examine(number)
    this.#isQuiet = false
    for (const each of this.#residents) each.goOn()
  }

  told(hour: number): string {
    const { sent, delivered } = this.#system.model.messages
    return `hour ${hour}: ${sent} messages sent, ${delivered} delivered, ${this.#violations.length} violations`
  }

  outcome() {
    const { model, world, nodes } = this.#system
    const { sent, acknowledged, delivered } = model.messages
    return {
      nodes: nodes.length,
      messages: { sent, acknowledged, delivered },
      deeds: this.#deeds,
      nodesEnded: this.#nodesEnded,
      looks: this.#looks,
      violations: this.#violations.length,
      first: this.#violations.slice(0, TOLD),
      hash: world.trace.hash,
    }
  }

  #settle(count: number): Resident[] {
    const residents: Resident[] = []
    for (let from = 0; from < count; from += MEMBERS) {
      const network = this.#system.network()
      const members = Array.from({ length: Math.min(MEMBERS, count - from) }, (_, i) => {
        const setting = { system: this.#system, network, loss: LOSS, deeds: this.#deeds }
        return new Resident({ ...setting, name: `p${from + i}`, freshIp: () => this.#freshIp() })
      })
      for (const each of members) each.friends = members.filter((other) => other !== each)
      residents.push(...members)
    }
    return residents
  }

  #freshIp(): string {
    const n = ++this.#addresses
    return `11.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
  }

  /** Every now and then a node dies or drains, or the tables fail for a while. */
  #trouble(): void {
    const { world, cloud } = this.#system
    world.after(this.#dice.exponential(TROUBLE_MS), () => {
      if (!this.#isQuiet) {
        if (this.#dice.chance(0.3)) {
          cloud.profile = { ...cloud.profile, failure: 0.2 }
          world.after(5_000, () => {
            cloud.profile = { ...cloud.profile, failure: 0 }
          })
        } else this.#endNode()
      }
      this.#trouble()
    })
  }

  #endNode(): void {
    const serving = this.#system.nodes.filter(({ alive, draining }) => alive && !draining)
    if (serving.length < 2) return
    const node = this.#dice.pick(serving)
    this.#nodesEnded++
    const { world } = this.#system
    if (this.#dice.chance(0.5)) node.kill()
    else {
      node.drain()
      world.after(20_000, () => node.leave())
    }
    world.after(60_000, () => node.start())
  }

  #examine(hour: number): void {
    const { model } = this.#system
    const wrong = (what: string) => this.#violations.push(`hour ${hour}: ${what}`)
    for (const each of this.#residents) {
      const { peer } = each
      if (!this.#system.isReachable(peer)) wrong(`${peer.host.name} is not reachable`)
      for (const other of each.friends) {
        this.#looks++
        const seen = each.sees(other)
        if (seen !== other.status)
          wrong(`${peer.host.name} sees ${other.peer.host.name} as ${seen}, which is ${other.status}`)
      }
    }
    model.requireAllDelivered()
    for (const what of model.violations.splice(0)) wrong(what)
    for (const what of this.#system.conclude()) wrong(what)
    model.violations.length = 0
    model.forget()
    for (const { peer } of this.#residents) peer.forget()
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of objects and buffers, without what is garbage. */
function bytesInUse(): number {
  // Twice, as finalizers of the first time set more free.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
