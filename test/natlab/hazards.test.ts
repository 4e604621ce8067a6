import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Lab } from './lab.ts'
import { laboratory } from './laboratory.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'
import { SystemInLab } from './system.ts'

const TRAFFIC = fileURLToPath(new URL('traffic.ts', import.meta.url))
const MEGABYTES = 50
/** One every 5 ms: what was sent on a path that died, in the 2 s that noticing it may take. */
const LOST_WITH_A_PATH = 400
const LOST_OTHERWISE = 5

interface Given {
  readonly datagrams: number
  readonly streamBytes: number
  readonly streamHash: string
}

interface Taken extends Given {
  readonly doubled: number
}

interface Told extends Partial<Taken> {
  readonly peer?: string
  readonly path?: 'direct' | 'relayed'
}

/** A tunnel with traffic on it, from left to right. */
class Traffic {
  readonly #giver: Lines
  readonly #taker: Lines

  constructor(giver: Lines, taker: Lines) {
    this.#giver = giver
    this.#taker = taker
  }

  async path(path: 'direct' | 'relayed'): Promise<void> {
    await this.#giver.until((told) => told.path === path)
  }

  async end(): Promise<{ readonly given: Given; readonly taken: Taken }> {
    this.#giver.say('enough')
    const has = (told: Told) => told.streamHash !== undefined
    const [given, taken] = await Promise.all([this.#giver.until(has), this.#taker.until(has)])
    return { given: given as Given, taken: taken as Taken }
  }
}

class Lines {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  say(text: string): void {
    this.#child.stdin!.write(`${text}\n`)
  }

  async until(wanted: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const { done, value } = await this.#lines.next()
      if (done) throw new Error('The peer has ended.')
      const told = JSON.parse(value) as Told
      if (wanted(told)) return told
    }
  }
}

laboratory('a tunnel with datagrams and a stream on it', {}, () => {
  const { open } = NAT_KINDS
  let lab: Lab
  let system: SystemInLab
  beforeAll(async () => {
    lab = await Lab.start({ left: open, right: open })
    system = await SystemInLab.start(lab)
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await system[Symbol.asyncDispose]()
  })

  async function traffic(left: KindName, right: KindName): Promise<Traffic> {
    lab.rebuild({ left: open, right: open })
    lab.rebuild({ left: NAT_KINDS[left], right: NAT_KINDS[right] })
    const taker = peer('right', 'take')
    const { peer: to } = await taker.until((told) => told.peer !== undefined)
    return new Traffic(peer('left', 'give', to!, String(MEGABYTES)), taker)
  }

  function peer(side: 'left' | 'right', role: string, ...more: string[]): Lines {
    const { index, invite, home } = system.enrolment()
    const command = [process.execPath, TRAFFIC, role, index, invite, home, ...more]
    const child = lab.spawn(side, command, { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    return new Lines(child)
  }

  async function expectAll(running: Traffic, lost: number): Promise<void> {
    const { given, taken } = await running.end()
    const { streamBytes, streamHash } = given
    expect(taken).toMatchObject({ streamBytes, streamHash, doubled: 0 })
    expect(given.datagrams - taken.datagrams).toBeLessThanOrEqual(lost)
  }

  it('goes from the relay to a direct path', async () => {
    const running = await traffic('port-restricted', 'port-restricted')
    await running.path('direct')
    await expectAll(running, LOST_OTHERWISE)
  })

  it('goes back to the relay when the direct path dies', async () => {
    const running = await traffic('port-restricted', 'port-restricted')
    await running.path('direct')
    lab.cut('left')
    await running.path('relayed')
    await expectAll(running, LOST_WITH_A_PATH)
  })

  it('outlives a router that gives other ports', async () => {
    const running = await traffic('absolute-expiry', 'full-cone')
    await running.path('direct')
    lab.renew('left')
    await expectAll(running, LOST_WITH_A_PATH)
  })

  it('outlives a router that gives other ports, when the other side must be told', async () => {
    const running = await traffic('absolute-expiry', 'port-restricted')
    await running.path('direct')
    lab.renew('left')
    await expectAll(running, LOST_WITH_A_PATH)
  })

  it('outlives another network: other addresses, inside and outside', async () => {
    const running = await traffic('port-restricted', 'port-restricted')
    await running.path('direct')
    lab.roam('left')
    await expectAll(running, LOST_WITH_A_PATH)
  })
})
