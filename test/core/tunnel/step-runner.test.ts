import { beforeEach, describe, expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import { UNPROVEN_CREDIT } from '../../../shared/core/tunnel/path.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { StepRunner } from '../../../shared/core/tunnel/step-runner.ts'
import type { Result, Step } from '../../../shared/wire/handshake.ts'
import { address, B, OtherSide } from './other-side.ts'

let other: OtherSide
beforeEach(() => {
  other = new OtherSide()
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
  const runner = new StepRunner(other.paths, new Sockets(() => other.paths.book.usedSockets, new Queue()))
  runner.start(step(change), 0)
  const sent: string[] = []
  let result: Result | undefined
  for (let now = 0; now < 20_000 && result === undefined; now = Math.max(runner.deadline(), now + 1)) {
    result = runner.tick(other.out, now)
    for (const { to, ttl, bytes } of other.sent()) {
      sent.push(`${now} ${to} ${ttl}${bytes === 1200 ? ' in full' : ''}`)
    }
  }
  return { sent, result }
}

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
    other = new OtherSide()
    expect(run({ ttl, proven: 2 }).sent).toHaveLength(3)
  })

  test('`open` only primes where the side waits', () => {
    expect(run({ kind: 'open' }).sent.map((line) => line.slice(-1))).toEqual(['4', '4', '4'])
    expect(run({ kind: 'open', role: 1, ttl: 0 }).sent.map((line) => line.slice(-1))).toEqual(['0', '0', '0'])
  })

  test('that comes right after a greeting need not ask again, and one that waits for the other side does', () => {
    other.paths.targets.greet(B.words, 0, other.out, 0)
    other.sent()
    expect(run({ ttl: 0, startInMs: 0, rounds: 1, proven: 1 }).sent).toEqual([])
    expect(run({ ttl: 0, startInMs: 10, rounds: 1, proven: 1 }).sent).toHaveLength(2)
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
