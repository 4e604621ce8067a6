/**
 * The product across pairs of routers, in one laboratory: INDEX, nodes and relay start once, a peer once for each router
 * it stands behind, and each run is a tunnel between two peers that are up. Runs follow one another: two at once would
 * measure the machine.
 */
import { fileURLToPath } from 'node:url'
import { Dialogue } from './dialogue.ts'
import { Lab, type LabOptions } from './lab.ts'
import type { Pair, Run } from './matrix.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'
import { type PeerInLab, SystemInLab } from './system.ts'
import { within } from './within.ts'

const PINGER = fileURLToPath(new URL('pinger.ts', import.meta.url))
/** A peer that is not online by then will not be: signing in takes two round trips. */
const ONLINE_MS = 15_000
/** How long a run may look for a direct path, and how long it may take as a whole. */
const DIRECT_WITHIN_MS = 20_000
const RUN_MS = 45_000
/** Bytes of a datagram. */
const SMALL = 64

export class Trials {
  readonly lab: Lab
  readonly #system: SystemInLab
  #left: { readonly kind: KindName; readonly pinger: Pinger | undefined } | undefined
  #right: { readonly kind: KindName; readonly up: PeerInLab | undefined } | undefined

  private constructor(lab: Lab, system: SystemInLab) {
    this.lab = lab
    this.#system = system
  }

  static async start(options?: LabOptions): Promise<Trials> {
    const lab = await Lab.start({ left: NAT_KINDS.open, right: NAT_KINDS.open }, options)
    return new Trials(lab, await SystemInLab.start(lab))
  }

  /** So many tunnels from a peer behind `a` to one behind `b`, and datagrams of so many bytes on each. */
  async runs([a, b]: Pair, count: number, size = SMALL): Promise<readonly Run[]> {
    await this.#stand(a, b)
    const runs: Run[] = []
    while (runs.length < count) runs.push(await this.#run(size))
    return runs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]()
    await this.#system[Symbol.asyncDispose]()
  }

  async #stand(a: KindName, b: KindName): Promise<void> {
    const household = [a, b, this.#left?.kind, this.#right?.kind].some(isHousehold)
    const [leftStays, rightStays] = [
      this.#left?.kind === a && !household,
      this.#right?.kind === b && !household,
    ]
    if (!leftStays) this.#left?.pinger?.stop()
    if (!rightStays) await this.#right?.up?.[Symbol.asyncDispose]()
    this.lab.rebuild({ left: NAT_KINDS[a], right: NAT_KINDS[b] })
    const [pinger, up] = await Promise.all([
      leftStays ? this.#left?.pinger : this.#startPinger(),
      rightStays ? this.#right?.up : online(this.#system.up('right')),
    ])
    this.#left = { kind: a, pinger }
    this.#right = { kind: b, up }
  }

  async #run(size: number): Promise<Run> {
    const [pinger, up] = [this.#left?.pinger, this.#right?.up]
    if (pinger === undefined || up === undefined) return { error: 'not-online' }
    const run = await pinger.ping(up.peer, size)
    if (run !== undefined) return run
    pinger.stop()
    this.#left = { kind: this.#left!.kind, pinger: await this.#startPinger() }
    return { error: 'no-end' }
  }

  #startPinger(): Promise<Pinger | undefined> {
    const { index, invite, home } = this.#system.enrolment()
    const command = [process.execPath, PINGER, index, invite, home]
    const pinger = new Pinger(
      new Dialogue(this.lab.spawn('left', command, { stdio: ['pipe', 'pipe', 'ignore'] })),
    )
    return online(pinger.started.then(() => pinger))
  }
}

/** The process of pinger.ts. */
class Pinger {
  readonly #dialogue: Dialogue
  /** Rejects where the peer could not join. */
  readonly started: Promise<void>

  constructor(dialogue: Dialogue) {
    this.#dialogue = dialogue
    this.started = dialogue.next().then((line) => {
      if (line === undefined) throw new Error('The peer could not join.')
    })
  }

  /** Undefined where it does not end, or the process has. */
  ping(to: string, size: number): Promise<Run | undefined> {
    this.#dialogue.say({ to, wait: DIRECT_WITHIN_MS, size })
    return within(RUN_MS, this.#dialogue.next<Run>())
  }

  stop(): void {
    this.#dialogue.stop()
  }
}

const isHousehold = (name: KindName | undefined): boolean =>
  name !== undefined && 'household' in NAT_KINDS[name]

/** Undefined where it is not online in time, or says that it cannot be. */
function online<T>(peer: Promise<T>): Promise<T | undefined> {
  return within(
    ONLINE_MS,
    peer.catch(() => undefined),
  )
}
