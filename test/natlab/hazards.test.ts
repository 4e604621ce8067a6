/**
 * Hazards for a tunnel that carries datagrams and a stream. Each hazard is tried on a young tunnel, whose relay is still on
 * standby. If it makes a difference, it is also tried on a settled tunnel, whose relay was given up.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Dialogue } from './dialogue.ts'
import { Lab } from './lab.ts'
import { laboratory } from './laboratory.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'
import { SystemInLab } from './system.ts'
import { within } from './within.ts'

const TRAFFIC = fileURLToPath(new URL('traffic.ts', import.meta.url))
const MEGABYTES = 50
/** Duration of the stream for a young tunnel, a settled one, and one that outlives three mappings of 50 s. */
const SECONDS = { young: 8, settled: 24, long: 165 } as const
/** The relay is given up 10 s after both sides began to send directly. */
const SETTLED_MS = 12_000
/** Maximum datagrams lost, at one every 5 ms: those in flight when a path ends, with a margin for a busy machine. */
const IN_FLIGHT = 5
const LONG_MS = 240_000
/**
 * Bounds when UDP is switched off and on again, in datagrams and time. In the simulation, which no busy machine slows down,
 * they are 3 s and 10 s (test/sim/udp-comes-and-goes.test.ts).
 */
const MOST_SILENCE = 1000
const DIRECT_AGAIN_MS = 20_000

interface Given {
  readonly datagrams: number
  readonly streamBytes: number
  readonly streamHash: string
}

interface Taken extends Given {
  readonly doubled: number
  readonly gaps: readonly (readonly [first: number, count: number])[]
}

interface Told extends Partial<Taken> {
  readonly peer?: string
  readonly path?: 'direct' | 'relayed'
  readonly why?: string
  readonly mark?: true
}

type Age = keyof typeof SECONDS

/** A tunnel with traffic from left to right. */
class Traffic {
  readonly #giver: Dialogue
  readonly #taker: Dialogue

  constructor(giver: Dialogue, taker: Dialogue) {
    this.#giver = giver
    this.#taker = taker
  }

  async path(path: 'direct' | 'relayed'): Promise<void> {
    await until(this.#giver, (told) => told.path === path)
  }

  /** Waits until the tunnel is on the relay because UDP is dropped. */
  async isCarried(): Promise<void> {
    await until(this.#giver, ({ why }) => why === 'udp-blocked')
  }

  /** Skips what was told so far. A path that a tunnel had for a moment is no answer to a hazard. */
  async skip(): Promise<void> {
    this.#giver.say({ mark: true })
    await until(this.#giver, ({ mark }) => mark === true)
  }

  /** True if the tunnel has this path within `ms`. */
  async hasPath(path: 'direct' | 'relayed', ms: number): Promise<boolean> {
    return (
      (await within(
        ms,
        this.path(path).then(() => true),
      )) ?? false
    )
  }

  async end(): Promise<{ readonly given: Given; readonly taken: Taken }> {
    this.#giver.say({ enough: true })
    const has = (told: Told) => told.streamHash !== undefined
    const [given, taken] = await Promise.all([until(this.#giver, has), until(this.#taker, has)])
    return { given: given as Given, taken: taken as Taken }
  }
}

/** Waits for a matching line. Rejects if the process ends before it prints one. */
async function until(peer: Dialogue, wanted: (told: Told) => boolean): Promise<Told> {
  for (;;) {
    const told = await peer.next<Told>()
    if (told === undefined) throw new Error('The peer has ended.')
    if (wanted(told)) return told
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

  /** Opens a tunnel that is direct and has the given age. */
  async function direct(age: Age, left: KindName, right: KindName): Promise<Traffic> {
    lab.rebuild({ left: open, right: open })
    lab.rebuild({ left: NAT_KINDS[left], right: NAT_KINDS[right] })
    const taker = peer('right', 'take')
    const { peer: to } = await until(taker, (told) => told.peer !== undefined)
    const giver = peer('left', 'give', to!, String(MEGABYTES), String(SECONDS[age]))
    const running = new Traffic(giver, taker)
    await running.path('direct')
    if (age === 'settled') await pause(SETTLED_MS)
    await running.skip()
    return running
  }

  function peer(side: 'left' | 'right', role: string, ...more: string[]): Dialogue {
    const { index, invite, home } = system.enrolment()
    const command = [process.execPath, TRAFFIC, role, index, invite, home, ...more]
    const child = lab.spawn(side, command, { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    return new Dialogue(child)
  }

  async function expectAll(running: Traffic, ends = 1): Promise<void> {
    const { given, taken } = await running.end()
    const { streamBytes, streamHash } = given
    expect(taken).toMatchObject({ streamBytes, streamHash, doubled: 0 })
    expect(given.datagrams - taken.datagrams, JSON.stringify(taken.gaps)).toBeLessThanOrEqual(
      ends * IN_FLIGHT,
    )
  }

  it('goes from the relay to a direct path', async () => {
    const running = await direct('young', 'port-restricted', 'port-restricted')
    await expectAll(running)
  })

  it.each([
    'young',
    'settled',
  ] as const)('goes back to the relay when the direct path dies: %s', async (age) => {
    const running = await direct(age, 'port-restricted', 'port-restricted')
    lab.cut('left')
    await running.path('relayed')
    await expectAll(running)
  })

  it('does not notice a router that forgets its mappings and gives the same ports again', async () => {
    const running = await direct('young', 'port-restricted', 'port-restricted')
    lab.rebind('left')
    await expectAll(running)
  })

  it.each([
    ['young', 'full-cone'],
    ['young', 'port-restricted'],
    ['settled', 'full-cone'],
    ['settled', 'port-restricted'],
  ] as const)('outlives a router that gives other ports: %s, towards %s', async (age, right) => {
    const running = await direct(age, 'absolute-expiry', right)
    lab.renew('left')
    await expectAll(running)
  })

  it.each([
    'young',
    'settled',
  ] as const)('outlives another network, behind another router: %s', async (age) => {
    const running = await direct(age, 'port-restricted', 'port-restricted')
    lab.roam('left', NAT_KINDS['port-restricted'])
    await expectAll(running)
  })

  it.each([
    'young',
    'settled',
  ] as const)('outlives UDP that is switched off, and is direct soon after it is on again: %s', async (age) => {
    const running = await direct(age, 'port-restricted', 'port-restricted')
    lab.passUdp('left', false)
    await running.isCarried()
    lab.passUdp('left', true)
    expect(await running.hasPath('direct', DIRECT_AGAIN_MS)).toBe(true)
    const { given, taken } = await running.end()
    const { streamBytes, streamHash } = given
    expect(taken).toMatchObject({ streamBytes, streamHash, doubled: 0 })
    const longest = Math.max(...taken.gaps.map(([, count]) => count))
    expect(longest, JSON.stringify(taken.gaps)).toBeLessThan(MOST_SILENCE)
  })

  it('outlives mappings that end 50 s after they were made', {
    timeout: LONG_MS,
  }, async () => {
    const running = await direct('long', 'absolute-expiry', 'port-restricted')
    await expectAll(running, 3)
  })
})
