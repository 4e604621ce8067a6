import { expect, test, vi } from 'vitest'
import { Loop } from '../../../peer/net/loop.ts'
import type { Machine } from '../../../shared/core/machine.ts'
import { addressOf } from '../../../shared/wire/address.ts'

/** Says back what it is told, as effects; `throw` is a bug. */
class Echo implements Machine<string, string> {
  readonly #effects: string[] = []
  dueAt = Number.POSITIVE_INFINITY

  receive(arrived: { readonly count: number }): void {
    this.#effects.push(`${arrived.count} arrived`)
  }
  handle(input: string, out: Parameters<Machine['handle']>[1]): void {
    out.push(Buffer.from(input), addressOf('127.0.0.1', 9)!.words)
    if (input === 'throw') throw new Error('a bug')
    this.#effects.push(input)
  }
  tick(): void {
    if (this.dueAt === Number.POSITIVE_INFINITY) return
    this.dueAt = Number.POSITIVE_INFINITY
    this.#effects.push('tick')
  }
  deadline(): number {
    return this.dueAt
  }
  poll(): string | undefined {
    return this.#effects.shift()
  }
}

function running(perform: (effect: string) => void = () => {}) {
  const machine = new Echo()
  const [sent, effects, faults] = [[] as string[], [] as string[], [] as unknown[]]
  const loop = new Loop<string, string>(machine, {
    send: (batch, i) => sent.push(Buffer.from(batch.at(i)).toString()),
    perform: (effect) => {
      effects.push(effect)
      perform(effect)
    },
    fault: (error) => faults.push(error),
  })
  return { machine, loop, sent, effects, faults }
}

const FROM = addressOf('127.0.0.1', 1)!.words

test('many datagrams that arrive together are handed over together', async () => {
  const { loop, effects } = running()
  for (let i = 0; i < 50; i++) loop.receive(Buffer.from('x'), FROM, 0)
  await expect.poll(() => effects).toEqual(['50 arrived'])
  loop.receive(Buffer.from('x'), FROM, 0)
  await expect.poll(() => effects).toEqual(['50 arrived', '1 arrived'])
})

test('of a few each has its effects before the next is looked at', async () => {
  const { loop, effects } = running((effect) => effect === '1 arrived' && loop.handle('answered'))
  for (let i = 0; i < 2; i++) loop.receive(Buffer.from('x'), FROM, 0)
  await expect.poll(() => effects).toEqual(['1 arrived', 'answered', '1 arrived', 'answered'])
})

test('an input given while an effect is carried out waits its turn', () => {
  const { loop, effects, sent } = running((effect) => effect === 'first' && loop.handle('second'))
  loop.handle('first')
  expect([effects, sent]).toEqual([
    ['first', 'second'],
    ['first', 'second'],
  ])
})

test('a machine that throws sends nothing of that step, and goes on', () => {
  const { loop, effects, sent, faults } = running()
  loop.handle('throw')
  loop.handle('after')
  expect([faults.length, effects, sent]).toEqual([1, ['after'], ['after']])
})

test('a listener that throws is the application’s to hear of, and the loop goes on', () => {
  const { loop, effects } = running((effect) => {
    if (effect === 'bad listener') throw new Error('of the application')
  })
  expect(() => loop.handle('bad listener')).toThrow('of the application')
  loop.handle('after')
  expect(effects).toEqual(['bad listener', 'after'])
})

test('the machine is called when its deadline comes, and not after the end', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  try {
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
  } finally {
    vi.useRealTimers()
  }
})
