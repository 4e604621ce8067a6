import { beforeEach, describe, expect, test } from 'vitest'
import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { UNPROVEN_CREDIT } from '../../../shared/core/tunnel/path.ts'
import { PathAgent } from '../../../shared/core/tunnel/path-agent.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { StepRunner } from '../../../shared/core/tunnel/step-runner.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import type { Step } from '../../../shared/wire/handshake.ts'
import {
  type Control,
  MIN_PROBE_BODY,
  probeBodyBytes,
  SMALL_PROBE_BYTES,
} from '../../../shared/wire/tunnel.ts'

const [ONE, TWO] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const address = (text: string): Address => parseAddress(text)!
const B = address('198.51.100.2:40000')
const RELAY = address('192.0.2.9:4002')

/** One agent. The test plays the other side of its paths, at any address. */
class Other {
  now = 0
  readonly out = new Batch()
  readonly packets = new Packets({ send: ONE, receive: TWO }, false)
  readonly #other = new Packets({ send: TWO, receive: ONE }, false)
  readonly agent = new PathAgent(this.packets, true, new Random(new Uint8Array(32).fill(9)))

  /** Returns what the agent sent since the last call: destination and content. */
  sent(): { to: string; ttl: number; bytes: number; controls: readonly Control[] }[] {
    const sent = Array.from({ length: this.out.count }, (_, i) => {
      const to = formatAddress(this.out.address, i * 5)
      const [ttl, bytes] = [this.out.ttl[i]!, this.out.length[i]!]
      const control = this.out.bytes[this.out.start(i)] === 0x61 && this.#other.open(this.out, i)
      return { to, ttl, bytes, controls: control ? this.#other.controls(this.out) : [] }
    })
    this.out.clear()
    return sent
  }

  /** Sends a control from the other side, from an address. */
  say(from: Address, control: Control): void {
    const line = new Batch()
    this.#other.sendControl(line, { words: from.words, socket: 0 }, control, this.now)
    if (!this.packets.open(line, 0)) throw new Error('does not open')
    const path = this.agent.heard(
      from.words,
      0,
      0,
      { newest: this.packets.newest, bytes: line.length[0]! },
      this.out,
      this.now,
    )
    if (path === undefined) return
    for (const it of this.packets.controls(line)) {
      if (it.kind === 'probe') this.agent.onProbe(path, it, this.out, this.now)
      if (it.kind === 'probeAck') this.agent.onAck(path, it, this.out, this.now)
      if (it.kind !== 'probeBack') continue
      this.agent.onAck(path, { ...it, kind: 'probeAck', id: it.answers }, this.out, this.now)
      this.agent.onProbe(path, { ...it, kind: 'probe' }, this.out, this.now)
    }
  }

  /** Answers every probe that was sent to `at`, by default from there. */
  answer(at: Address, from = at): void {
    for (const { to, controls } of this.sent()) {
      for (const it of controls) {
        if (it.kind === 'probe' && to === formatAddress(at.words)) {
          const { id, bodyBytes } = it
          this.say(from, { kind: 'probeAck', id, observed: at, bodyBytes })
        }
      }
    }
  }

  pass(ms: number): this {
    for (const end = this.now + ms; this.agent.deadline() <= end; ) {
      this.now = Math.max(this.agent.deadline(), this.now)
      this.agent.tick(this.out, this.now)
    }
    this.now += ms
    return this
  }
}

const probe = (id = 1n, here = false): Control => ({ kind: 'probe', id, here, bodyBytes: MIN_PROBE_BODY })
const FULL_PROBE = { kind: 'probe', id: 1n, here: false, bodyBytes: probeBodyBytes(1200) } as const
let other: Other
beforeEach(() => {
  other = new Other()
})

describe('a direct path', () => {
  test('is taken after a small and a full-sized probe have come back', () => {
    other.agent.probeTarget(B.words, 0, 4, other.out, 0)
    expect(other.out.ttl[0]).toBe(4)
    other.answer(B)
    expect(other.agent.active).toBeUndefined()
    expect(other.agent.direct?.state).toBe('open')
    other.answer(B)
    expect(other.agent.active?.state).toBe('fit')
  })

  test('is not taken for an answer from elsewhere, or one that is shorter than the probe', () => {
    other.agent.probeTarget(B.words, 0, 0, other.out, 0)
    other.answer(B, address('198.51.100.2:40001'))
    expect(other.agent.direct).toBeUndefined()
    other.agent.probeTarget(B.words, 0, 0, other.out, 0)
    other.answer(B)
    for (const { controls } of other.sent()) {
      for (const it of controls)
        if (it.kind === 'probe')
          other.say(B, { kind: 'probeAck', id: it.id, observed: B, bodyBytes: MIN_PROBE_BODY })
    }
    expect(other.agent.direct?.state).toBe('open')
  })

  test('is announced as soon as it is taken', () => {
    other.agent.probeTarget(B.words, 0, 0, other.out, 0)
    other.answer(B)
    other.answer(B)
    expect(other.sent().at(-1)!.controls).toMatchObject([{ kind: 'probe', here: true }])
  })

  test('is preferred to the relay, and data goes over both while it is suspect', () => {
    other.agent.addRelay(RELAY.words, 0, 0)
    other.agent.relayUsable(RELAY.words, 0, other.out, 0)
    other.answer(RELAY)
    other.agent.probeTarget(B.words, 0, 0, other.out, 0)
    other.answer(B)
    other.answer(B)
    other.answer(B)
    other.sent()
    other.agent.send(other.out, Uint8Array.of(1), other.now)
    expect(other.sent().map(({ to }) => to)).toEqual(['198.51.100.2:40000'])
    other.pass(1000)
    other.sent()
    other.agent.send(other.out, Uint8Array.of(1), other.now)
    expect(other.sent().map(({ to }) => to)).toEqual(['198.51.100.2:40000', '192.0.2.9:4002'])
    other.pass(1000)
    expect(other.agent.active?.kind).toBe('relayed')
    expect(other.agent.directDied).toBe(true)
  })
})

describe('a direct path that the other side is about to leave', () => {
  const [NEXT, FAR] = [address('198.51.100.2:40007'), address('198.51.100.3:40000')]
  const at = () => other.agent.active && formatAddress(other.agent.active.words)

  /** Proves a path whose answers take `rttMs`. */
  function reach(there: Address, rttMs: number): void {
    other.agent.probeTarget(there.words, 0, 0, other.out, other.now)
    other.now += rttMs
    other.answer(there)
    other.now += rttMs
    other.answer(there)
  }

  /** Lets `ms` pass while one path answers. */
  function stay(ms: number, there: Address): void {
    for (const end = other.now + ms; other.now < end; ) {
      other.pass(100)
      other.answer(there)
    }
  }

  test('gives way to the new one as soon as that is fit, and is given up', () => {
    reach(B, 10)
    other.agent.follow(NEXT, 42, other.out, other.now)
    other.answer(NEXT)
    other.answer(NEXT)
    expect(at()).toBe('198.51.100.2:40007')
    stay(3000, NEXT)
    const old = other.agent.heard(B.words, 0, 0, { newest: true, bytes: 42 }, other.out, other.now)
    expect([at(), old?.state]).toEqual(['198.51.100.2:40007', 'gone'])
    expect(other.sent()).toEqual([])
  })

  test('stays what it was where the new one never is, and the end does not come', () => {
    reach(B, 10)
    other.agent.follow(NEXT, 42, other.out, other.now)
    stay(20_000, B)
    other.agent.probeTarget(FAR.words, 0, 0, other.out, other.now)
    other.now += 200
    other.answer(FAR)
    other.say(B, probe(7n))
    other.now += 200
    other.answer(FAR)
    expect(other.agent.direct?.words).toEqual(B.words)
    expect(at()).toBe('198.51.100.2:40000')
  })
})

describe('an address that has proven nothing', () => {
  test('gets no more bytes for a packet than came from there, at first', () => {
    other.say(B, probe())
    const sent = other.pass(0).sent()
    expect(sent.map(({ bytes }) => bytes)).toEqual([SMALL_PROBE_BYTES, SMALL_PROBE_BYTES])
  })

  test('that asks in full size is answered and asked back in one packet of that size', () => {
    other.say(B, FULL_PROBE)
    const sent = other.pass(0).sent()
    expect(sent).toMatchObject([{ bytes: 1200, controls: [{ kind: 'probeBack', answers: 1n, observed: B }] }])
    const [back] = sent[0]!.controls
    const { id, bodyBytes } = back as Extract<Control, { kind: 'probeBack' }>
    other.say(B, { kind: 'probeAck', id, observed: B, bodyBytes })
    expect(other.agent.active?.state).toBe('fit')
    other.sent()
    other.say(B, { ...FULL_PROBE, id: 2n })
    expect(other.sent()).toMatchObject([{ bytes: 1200, controls: [{ kind: 'probeAck', id: 2n }] }])
  })

  test('gets a bounded number of packets, whatever a bad other side sends in its name', () => {
    let packets = 0
    for (let i = 0; i < 1000; i++) {
      other.say(B, probe(BigInt(i)))
      other.pass(100)
      packets += other.sent().length
    }
    expect(packets).toBe(UNPROVEN_CREDIT)
    expect(other.agent.counters.withheld).toBeGreaterThan(900)
  })

  test('and there are few such addresses at a time', () => {
    let packets = 0
    for (let i = 0; i < 5000; i++) {
      other.say(address(`198.51.${i >> 8}.${i & 255}:9`), probe(BigInt(i)))
      packets += other.sent().length
    }
    expect(packets).toBeLessThanOrEqual(2 * 32)
  })
})

const step = (change: Partial<Step>): Step => ({
  step: 1,
  kind: 'punch',
  role: 0,
  startInMs: 30,
  timeoutMs: 1000,
  ttl: 4,
  intervalMs: 100,
  rounds: 3,
  sockets: 1,
  targets: [B],
  proven: 0,
  paceMs: 0,
  volley: undefined,
  ...change,
})

/** Runs a step to its end. Returns what is sent, and when. */
function run(change: Partial<Step>) {
  const runner = new StepRunner(other.agent, new Sockets(() => other.agent.usedSockets))
  runner.start(step(change), 0)
  const sent: string[] = []
  let result = runner.result()
  for (let now = 0; now < 20_000 && result === undefined; now = Math.max(runner.deadline(), now + 1)) {
    runner.tick(other.out, now)
    for (const { to, ttl, bytes } of other.sent()) {
      sent.push(`${now} ${to} ${ttl}${bytes === 1200 ? ' in full' : ''}`)
    }
    result ??= runner.result()
  }
  return { sent, result }
}

describe('where the other side is expected', () => {
  test('it is asked in full size at once, and an answer that asks back makes the path fit', () => {
    other.agent.greet(B.words, 0, other.out, 0)
    const [greeting] = other.sent()
    expect(greeting).toMatchObject({ to: '198.51.100.2:40000', bytes: 1200, controls: [{ kind: 'probe' }] })
    const { id: answers, bodyBytes } = greeting!.controls[0] as Extract<Control, { kind: 'probe' }>
    other.say(B, { kind: 'probeBack', answers, observed: B, id: 7n, here: false, bodyBytes })
    expect(other.agent.active?.state).toBe('fit')
    expect(other.sent().flatMap(({ controls }) => controls)).toContainEqual(
      expect.objectContaining({ kind: 'probeAck', id: 7n }),
    )
  })

  test('it is asked a few times more, in small, and then no longer', () => {
    other.agent.greet(B.words, 0, other.out, 0)
    const sizes = other.pass(5000).sent()
    expect(sizes.map(({ bytes }) => bytes)).toEqual([1200, ...Array(6).fill(SMALL_PROBE_BYTES)])
  })

  test('a step that comes right after need not ask again, and one that waits for the other side does', () => {
    other.agent.greet(B.words, 0, other.out, 0)
    other.sent()
    expect(run({ ttl: 0, startInMs: 0, rounds: 1, proven: 1 }).sent).toEqual([])
    expect(run({ ttl: 0, startInMs: 10, rounds: 1, proven: 1 }).sent).toHaveLength(2)
  })
})

describe('a step', () => {
  test('primes with few hops at once, then sends with all', () => {
    expect(run({}).sent).toEqual([
      '0 198.51.100.2:40000 4',
      '30 198.51.100.2:40000 0',
      '130 198.51.100.2:40000 0',
    ])
  })

  test.each([
    [4, ['0 198.51.100.2:40000 4', '30 198.51.100.2:40000 0 in full', '30 198.51.100.2:40000 0']],
    [0, ['30 198.51.100.2:40000 0 in full', '30 198.51.100.2:40000 0', '130 198.51.100.2:40000 0']],
  ])('sends one of full size to where the other side is known to be (TTL %i)', (ttl, first) => {
    const { sent } = run({ ttl, proven: 1 })
    expect(sent.slice(0, 3)).toEqual(first)
    expect(sent.filter((line) => line.endsWith('in full'))).toHaveLength(1)
    other = new Other()
    expect(run({ ttl, proven: 2 }).sent).toHaveLength(3)
  })

  test('`open` only primes where the side waits', () => {
    expect(run({ kind: 'open' }).sent.map((line) => line.slice(-1))).toEqual(['4', '4', '4'])
    expect(run({ kind: 'open', role: 1, ttl: 0 }).sent.map((line) => line.slice(-1))).toEqual(['0', '0', '0'])
  })

  test('fails when its time is over, and says what it cost', () => {
    expect(run({}).result).toMatchObject({ outcome: 'failed', elapsedMs: 1000, packets: 3 })
  })

  test('that wants more sockets than there are is not possible here', () => {
    expect(run({ kind: 'scatter', sockets: 256 })).toMatchObject({
      sent: [],
      result: { outcome: 'impossible' },
    })
  })

  test('costs a third party little, whatever is ordered', () => {
    const victim = {
      targets: Array.from({ length: 16 }, () => B),
      rounds: 255,
      intervalMs: 0,
      timeoutMs: 65_535,
    }
    expect(run(victim).sent.length).toBe(UNPROVEN_CREDIT)
    const many = Array.from({ length: 16 }, (_, i) => address(`203.0.113.${i}:9`))
    expect(run({ ...victim, targets: many }).sent.length).toBe(240)
  })

  test('sends nothing to what is no address of one host', () => {
    const wrong = ['255.255.255.255:9', '224.0.0.1:9', '169.254.169.254:80', '0.0.0.0:9', '198.51.100.2:0']
    const texts = [...wrong, '[ff02::1]:9', '[fe80::1]:9', '[2002:a9fe:a9fe::1]:9', '[64:ff9b::1]:9']
    expect(run({ targets: texts.map(address) }).sent).toEqual([])
  })
})
