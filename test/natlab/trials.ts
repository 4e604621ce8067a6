/**
 * The product across pairs of routers, in one laboratory. INDEX, nodes and relay start once, and a peer starts once for each
 * router it stands behind. Each run is a tunnel between two running peers. Runs do not overlap: two at the same time would
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
/** Time limit for a peer to come online. Signing in takes only two round trips. */
const ONLINE_MS = 15_000
/** Time limits of a run: for finding a direct path, and for the whole run. */
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

  /** Opens `count` tunnels from a peer behind `a` to one behind `b`, and sends datagrams of `size` bytes on each. */
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
  /** Rejects if the peer could not join. */
  readonly started: Promise<void>

  constructor(dialogue: Dialogue) {
    this.#dialogue = dialogue
    this.started = dialogue.next().then((line) => {
      if (line === undefined) throw new Error('The peer could not join.')
    })
  }

  /** Pings a peer. Undefined if that takes too long or the process has ended. */
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

/** Waits until a peer is online. Undefined if it fails or is not online in time. */
function online<T>(peer: Promise<T>): Promise<T | undefined> {
  return within(
    ONLINE_MS,
    peer.catch(() => undefined),
  )
}
