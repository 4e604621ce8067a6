import { expect, test } from 'vitest'
import type { Machine } from '../../shared/core/machine.ts'
import { Wall } from '../../shared/core/wall.ts'
import { Traced } from '../../shared/drive/traced.ts'
import { ADDRESS_WORDS, addressOf } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND, VERSION } from '../../shared/wire/numbers.ts'

const NODE = addressOf('198.51.100.1', 4000)!.words

interface Event {
  readonly kind: string
  readonly [field: string]: unknown
}

/** Answers each datagram with a KEEP_ALIVE, and returns each input as an effect. */
class Mirror implements Machine<Event, Event> {
  readonly wall = new Wall()
  readonly #effects: Event[] = []

  receive(arrived: Batch, out: Batch): void {
    for (let i = 0; i < arrived.count; i++)
      out.push(Uint8Array.of(VERSION, KIND.KEEP_ALIVE), arrived.address, i * ADDRESS_WORDS)
  }
  handle(input: Event): void {
    this.#effects.push(input)
  }
  tick(): void {}
  deadline(): number {
    return 7
  }
  poll(): Event | undefined {
    return this.#effects.shift()
  }
}

function traced() {
  const lines: string[] = []
  const machine = new Mirror()
  return {
    lines,
    machine,
    traced: new Traced<Event, Event>(machine, (line) => lines.push(line)),
    out: new Batch(),
  }
}

test('each datagram, input and effect is a line with its time, and the machine does what it did before', () => {
  const { lines, traced: shown, out } = traced()
  const arrived = new Batch()
  arrived.push(Uint8Array.of(VERSION, KIND.WELCOME, 1), NODE, 0)
  shown.receive(arrived, out, 5000)
  shown.handle({ kind: 'find', id: 3, filter: 'metadata.game eq "go"' }, out, 5250)
  expect(shown.poll()).toEqual({ kind: 'find', id: 3, filter: 'metadata.game eq "go"' })
  expect(shown.poll()).toBeUndefined()
  expect(shown.deadline()).toBe(7)
  expect(out.count).toBe(1)
  expect(lines).toEqual([
    '0.000 < 198.51.100.1:4000 3 WELCOME',
    '0.000 > 198.51.100.1:4000 2 KEEP_ALIVE',
    '0.250 input find {"id":3,"filter":"metadata.game eq \\"go\\""}',
    '0.250 effect find {"id":3,"filter":"metadata.game eq \\"go\\""}',
  ])
})

test('keys, tickets and the bodies of messages are shown by their length', () => {
  const { lines, traced: shown, out } = traced()
  shown.handle(
    { kind: 'ticket', ticket: 'e'.repeat(400), keys: { send: new Uint8Array(32) }, at: 2n },
    out,
    0,
  )
  expect(lines).toEqual([
    '0.000 input ticket {"ticket":"400 characters","keys":{"send":"32 bytes"},"at":"2"}',
  ])
})

test('the driver sets the wall clock of the machine inside', () => {
  const { machine, traced: shown } = traced()
  shown.wall!.aheadMs = 90
  expect(machine.wall.aheadMs).toBe(90)
})
