import { expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { Streams } from '../../../shared/core/tunnel/streams.ts'
import type { Control } from '../../../shared/wire/tunnel.ts'

const KEY = new Uint8Array(32).fill(7)

/** Two sides joined by a line that may lose controls. */
class Line {
  readonly #outboxes = [new Queue<TunnelEffect>(), new Queue<TunnelEffect>()] as const
  readonly a = new Streams(this.#outboxes[0])
  readonly b = new Streams(this.#outboxes[1])
  readonly sent: Control[] = []
  now = 0
  loses: (control: Control) => boolean = () => false

  /** Lets both sides send what is due at `now`. */
  settle(): this {
    this.#carry(this.a, this.b)
    this.#carry(this.b, this.a)
    this.#carry(this.a, this.b)
    return this
  }

  pass(ms: number): this {
    for (const end = this.now + ms; this.now < end; this.now += 50) this.settle()
    return this
  }

  /** The effects of one side since the last call. */
  events(side: 'a' | 'b'): TunnelEffect[] {
    const outbox = this.#outboxes[side === 'a' ? 0 : 1]
    return Array.from({ length: outbox.size }, () => outbox.take()!)
  }

  #carry(from: Streams, to: Streams): void {
    const send = (control: Control) => {
      this.sent.push(control)
      if (!this.loses(control)) to.take(control as Parameters<Streams['take']>[0])
    }
    from.tick(send, this.now)
  }
}

const opened = { kind: 'streamOpen', stream: 5, key: KEY, name: 'chat' }

test('a stream is opened by one side and accepted by the other', () => {
  const line = new Line()
  line.a.open(5, KEY, 'chat', 0)
  expect(line.settle().events('b')).toEqual([opened])
  line.b.answer({ kind: 'streamAccept', stream: 5, accepter: 9 })
  expect(line.settle().events('a')).toEqual([{ kind: 'streamAccepted', stream: 5, accepter: 9 }])
  expect([line.a.deadline(), line.b.deadline()]).toEqual([Infinity, Infinity])
})

test('a stream is refused', () => {
  const line = new Line()
  line.a.open(5, KEY, 'chat', 0)
  line.settle().b.answer({ kind: 'streamRefuse', stream: 5 })
  expect(line.settle().events('a')).toEqual([{ kind: 'streamRefused', stream: 5 }])
})

test('the application is asked once, however often the question comes', () => {
  const line = new Line()
  line.a.open(5, KEY, 'chat', 0)
  line.pass(5000)
  expect(line.sent.length).toBeGreaterThan(4)
  expect(line.events('b')).toEqual([opened])
})

test('a lost answer is given again when the question is', () => {
  const line = new Line()
  line.loses = ({ kind }) => kind === 'streamAccept'
  line.a.open(5, KEY, 'chat', 0)
  line.settle().b.answer({ kind: 'streamAccept', stream: 5, accepter: 9 })
  line.pass(1000)
  line.loses = () => false
  line.pass(2000)
  expect(line.events('a')).toEqual([{ kind: 'streamAccepted', stream: 5, accepter: 9 }])
  expect(line.events('b')).toEqual([opened])
})

test('an answer that comes twice counts once, and the first decision holds', () => {
  const line = new Line()
  line.a.open(5, KEY, 'chat', 0)
  line.settle().b.answer({ kind: 'streamRefuse', stream: 5 })
  line.b.answer({ kind: 'streamAccept', stream: 5, accepter: 9 })
  line.settle()
  line.a.take({ kind: 'streamAccept', stream: 5, accepter: 9 })
  expect(line.events('a')).toEqual([{ kind: 'streamRefused', stream: 5 }])
})

test('an opening that nobody answers fails after half a minute', () => {
  const line = new Line()
  line.loses = () => true
  line.a.open(5, KEY, 'chat', 0)
  line.pass(29_000)
  expect(line.events('a')).toEqual([])
  line.pass(2000)
  expect(line.events('a')).toEqual([{ kind: 'streamRefused', stream: 5, reason: 'timeout' }])
  expect(line.a.deadline()).toBe(Infinity)
})

test('whoever opens without end is refused, and what is undecided is not forgotten for it', () => {
  const line = new Line()
  for (let stream = 0; stream < 2000; stream++)
    line.b.take({ kind: 'streamOpen', stream, key: KEY, name: '' })
  expect(line.events('b')).toHaveLength(1024)
  line.settle()
  const refusals = line.sent.filter(({ kind }) => kind === 'streamRefuse')
  expect(refusals).toHaveLength(976)
  expect(refusals[0]).toMatchObject({ reason: 'too-many' })
  line.b.answer({ kind: 'streamAccept', stream: 0, accepter: 1 })
  line.settle()
  expect(line.sent.at(-1)).toEqual({ kind: 'streamAccept', stream: 0, accepter: 1 })
})

test('an answer to a question that was not asked says nothing', () => {
  const line = new Line()
  line.a.take({ kind: 'streamAccept', stream: 5, accepter: 9 })
  line.b.answer({ kind: 'streamAccept', stream: 5, accepter: 9 })
  expect([line.events('a'), line.settle().events('b'), line.sent]).toEqual([[], [], []])
})
