import { expect, test, vi } from 'vitest'
import type { Machine } from '../../shared/core/machine.ts'
import { Wall } from '../../shared/core/wall.ts'
import { type Fault, Loop } from '../../shared/drive/loop.ts'
import { ADDRESS_WORDS, addressOf } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'

const POISON = 'poison'
const FROM = addressOf('127.0.0.1', 1)!.words

/** Echoes its input as datagrams and effects. POISON makes it throw half-way through its step. */
class Echo implements Machine<string, string> {
  readonly #effects: string[] = []
  /** The call in which it throws, whatever its input. */
  failing: 'tick' | 'deadline' | 'poll' | undefined
  dueAt = Number.POSITIVE_INFINITY
  ticks = 0

  receive(arrived: Batch, out: Batch): void {
    this.#effects.push(`${arrived.count} arrived`)
    for (let i = 0; i < arrived.count; i++)
      this.#say(text(arrived, i), out, arrived.address, i * ADDRESS_WORDS)
  }
  handle(input: string, out: Batch): void {
    this.#say(input, out, FROM, 0)
    this.#effects.push(input)
  }
  tick(): void {
    this.ticks++
    this.#failIn('tick')
    if (this.dueAt === Number.POSITIVE_INFINITY) return
    this.dueAt = Number.POSITIVE_INFINITY
    this.#effects.push('tick')
  }
  deadline(): number {
    this.#failIn('deadline')
    return this.dueAt
  }
  poll(): string | undefined {
    this.#failIn('poll')
    return this.#effects.shift()
  }

  #say(what: string, out: Batch, words: Uint32Array, at: number): void {
    out.push(Buffer.from(what), words, at)
    if (what === POISON) throw new Error('a bug')
  }

  #failIn(call: 'tick' | 'deadline' | 'poll'): void {
    if (this.failing === call) throw new Error(`a bug in ${call}`)
  }
}

const text = (batch: Batch, i: number): string => Buffer.from(batch.at(i)).toString()

function running(perform: (effect: string) => Promise<string | undefined> | undefined = () => undefined) {
  const machine = new Echo()
  const [sent, effects, faults] = [[] as string[], [] as string[], [] as Fault<string, string>[]]
  const loop = new Loop<string, string>(machine, {
    send: (out) => {
      for (let i = 0; i < out.count; i++) sent.push(text(out, i))
      return false
    },
    perform: (effect) => {
      effects.push(effect)
      return perform(effect)
    },
    fault: (fault) => faults.push(fault),
    clock: { now: () => Date.now(), aheadMs: 0 },
  })
  const arrive = (...datagrams: readonly string[]) => {
    for (const datagram of datagrams) loop.receive(Buffer.from(datagram), FROM, 0)
  }
  return { machine, loop, sent, effects, faults, arrive }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`)
}

test('many datagrams that arrive together are handed over together', async () => {
  const { effects, arrive } = running()
  arrive(...numbered(50))
  await expect.poll(() => effects).toEqual(['50 arrived'])
  arrive('x')
  await expect.poll(() => effects).toEqual(['50 arrived', '1 arrived'])
})

test('of a few each has its effects before the next is looked at', async () => {
  const { effects, arrive, loop } = running((effect) => {
    if (effect === '1 arrived') loop.handle('answered')
    return undefined
  })
  arrive('a', 'b')
  await expect.poll(() => effects).toEqual(['1 arrived', 'answered', '1 arrived', 'answered'])
})

test('an input given while an effect is carried out waits its turn', () => {
  const { loop, effects, sent } = running((effect) => {
    if (effect === 'first') loop.handle('second')
    return undefined
  })
  loop.handle('first')
  expect([effects, sent]).toEqual([
    ['first', 'second'],
    ['first', 'second'],
  ])
})

test('a poisoned datagram is dropped and counted, and all that came with it is answered', async () => {
  const { sent, faults, arrive, loop } = running()
  const healthy = numbered(20)
  arrive(...healthy.slice(0, 10), POISON, ...healthy.slice(10))
  await expect.poll(() => sent).toEqual(healthy)
  expect(faults.map(({ kind }) => kind)).toEqual(['datagram'])
  expect(loop.faults).toBe(1)
})

test('a poisoned datagram among a few costs none of the others', async () => {
  const { sent, faults, arrive } = running()
  arrive('a', POISON, 'b')
  await expect.poll(() => sent).toEqual(['a', 'b'])
  expect(faults.map(({ kind }) => kind)).toEqual(['datagram'])
})

test('a poisoned input is named and dropped, nothing of its step is sent, and the next one is handled', () => {
  const { loop, effects, sent, faults } = running()
  loop.handle(POISON)
  loop.handle('after')
  expect(faults).toMatchObject([{ kind: 'input', input: POISON }])
  expect([effects, sent]).toEqual([['after'], ['after']])
})

test('poisoned datagrams do not keep the machine from its deadline', () => {
  withFakeTime(() => {
    const { machine, loop } = running()
    machine.dueAt = Date.now() + 500
    loop.handle('begin')
    for (let ms = 0; ms < 500; ms += 100) {
      loop.handle(POISON)
      vi.advanceTimersByTime(100)
    }
    vi.advanceTimersByTime(1)
    expect(machine.ticks).toBe(1)
  })
})

for (const call of ['tick', 'deadline', 'poll'] as const) {
  test(`a machine that throws in ${call} is called again after a second, not at once, and goes on when it is well`, () => {
    withFakeTime(() => {
      const { machine, loop, faults, sent } = running()
      machine.dueAt = Date.now() + 10
      loop.handle('begin')
      machine.failing = call
      vi.advanceTimersByTime(5000)
      expect(faults.length).toBeGreaterThanOrEqual(4)
      expect(faults.length).toBeLessThanOrEqual(20)
      machine.failing = undefined
      vi.advanceTimersByTime(2000)
      expect(machine.dueAt).toBe(Number.POSITIVE_INFINITY)
      loop.handle('after')
      expect(sent).toEqual(['begin', 'after'])
    })
  })
}

test('an effect that throws or rejects is named, and the effects and inputs behind it are carried out', async () => {
  const { loop, effects, faults } = running((effect) => {
    if (effect === 'throws') throw new Error('of a listener')
    return effect === 'rejects' ? Promise.reject(new Error('of a table')) : undefined
  })
  for (const input of ['throws', 'rejects', 'after']) loop.handle(input)
  await expect.poll(() => faults.length).toBe(2)
  expect(faults).toMatchObject([
    { kind: 'effect', effect: 'throws' },
    { kind: 'effect', effect: 'rejects' },
  ])
  expect(effects).toEqual(['throws', 'rejects', 'after'])
})

test('the machine is called when its deadline comes, and not after the end', () => {
  withFakeTime(() => {
    const { machine, loop, effects } = running()
    machine.dueAt = Date.now() + 5000
    loop.handle('begin')
    vi.advanceTimersByTime(4900)
    expect(effects).toEqual(['begin'])
    vi.advanceTimersByTime(200)
    expect(effects).toEqual(['begin', 'tick'])
    loop.close()
    machine.dueAt = Date.now() + 10
    loop.handle('late')
    vi.advanceTimersByTime(1000)
    expect(effects).toEqual(['begin', 'tick'])
  })
})

function withFakeTime(run: () => void): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  try {
    run()
  } finally {
    vi.useRealTimers()
  }
}

test('a machine that judges what others have dated knows the wall clock in each of its calls', () => {
  const known: string[] = []
  const clock = { now: () => 1000, aheadMs: 5 }
  const wall = new Wall()
  const note = (call: string) => known.push(`${call} ${wall.at(1000)}`)
  const machine: Machine<string, never> = {
    wall,
    receive: () => note('receive'),
    handle: () => note('handle'),
    tick: () => note('tick'),
    deadline: () => Number.POSITIVE_INFINITY,
    poll: () => undefined,
  }
  const loop = new Loop<string, never>(machine, { send: () => false, fault: () => {}, clock })
  loop.tick()
  clock.aheadMs = -7000
  loop.handle('input')
  expect(known).toEqual(['tick 1005', 'handle -6000'])
})
