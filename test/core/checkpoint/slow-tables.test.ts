/**
 * Messages while the answers of the tables are long on their way, each for another time, and while the recipient moves. Both
 * faults that the model found (test/model/protocol) are among these histories: a message handed over before its predecessor in
 * the mailbox, and a mailbox that nobody read any more.
 */
import { expect, test } from 'vitest'
import { Inbox } from '../../../shared/core/peer/inbox.ts'
import { Outbox } from '../../../shared/core/peer/outbox.ts'
import { encodeMessage, encodeReceipt } from '../../../shared/wire/messages.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { Dice } from '../../sim/dice.ts'
import type { ScriptedPeer } from './scripted-peer.ts'
import { START, userId, World } from './world.ts'

const STEP_MS = 50
const MESSAGES = 12

/** The sender and the recipient, with the outbox and the inbox of the SDK. */
class Pair {
  readonly world = new World(2)
  readonly sender = this.world.peer('a', 'ann', ['home'])
  readonly recipient = this.world.peer('c', 'cat', ['home'])
  readonly received: string[] = []
  readonly outbox = new Outbox(1, ({ body }) => ({ key: 0, body }))
  readonly #inbox = new Inbox()
  #heard = 0
  #seen = 0

  constructor() {
    this.recipient.acknowledges = false
    this.world.signIn(this.sender)
  }

  say(text: string): void {
    this.outbox.add(this.outbox.epoch, this.recipient.id, Buffer.from(text), this.world.now)
  }

  step(): void {
    const { world, sender, outbox } = this
    for (; this.#heard < sender.receipts.length; this.#heard++) outbox.settle(sender.receipts[this.#heard]!)
    outbox.send(world.now, (message) => {
      sender.send(FRAME.MESSAGE, encodeMessage(message))
      return true
    })
    this.#take(this.recipient)
    world.run(STEP_MS)
  }

  #take(peer: ScriptedPeer): void {
    for (; this.#seen < peer.messages.length; this.#seen++) {
      const message = peer.messages[this.#seen]!
      const isKnown = this.#inbox.knows(message)
      const acknowledge = ({ peer: from, epoch, sequence }: typeof message): void =>
        peer.send(FRAME.RECEIPT, encodeReceipt({ peer: from, epoch, sequence, outcome: 'delivered' }))
      if (isKnown) acknowledge(message)
      else
        this.#inbox.accept(message, this.world.now, (each) => {
          this.received.push(Buffer.from(each.body).toString())
          acknowledge(each)
        })
    }
  }
}

test.each(
  Array.from({ length: 40 }, (_, i) => i + 1),
)('messages arrive once and in order, however long the answers of the tables are on their way (seed %i)', (seed) => {
  const dice = new Dice(`slow tables ${seed}`)
  const pair = new Pair()
  const { world, recipient } = pair
  world.answersTake = (kind) => (/Mail$/.test(kind) ? dice.below(900) : dice.below(60))
  const texts = Array.from({ length: MESSAGES }, (_, i) => `message ${i + 1}`)
  const waiting = [...texts]
  for (let at = 0; at < 200; at++) {
    if (waiting.length > 0 && dice.below(6) === 0) pair.say(waiting.shift()!)
    if (at % 40 === 10) world.signIn(recipient, world.nodes[dice.below(2)]!, STEP_MS)
    pair.step()
  }
  for (let at = 0; at < 160; at++) pair.step()
  expect(pair.received).toEqual(texts)
  expect(world.tables.mailOf(recipient.id)).toEqual([])
})

/** A message from `from` to `to`, stored as by a node that the recipient is not signed in at. */
function store(
  world: World,
  from: ScriptedPeer,
  to: ScriptedPeer,
  sequence: number,
  text: string,
  { previous = 0, sentAt = START + sequence } = {},
): void {
  const number = { epoch: 1, sequence, previous, previousIsStored: false }
  const message = { from: from.id, ...number, sentAt, body: Buffer.from(text) }
  const user = userId('cat')
  world.tables.answer({ kind: 'storeMail', peer: to.id, user, message, now: START })
}

test('a message does not overtake its stored predecessor, which the read under way began too early to find', () => {
  const world = new World(2)
  const [a, c] = [world.peer('a', 'ann', ['home']), world.peer('c', 'cat', ['home'])]
  world.signIn(a)
  world.answersTake = (kind) => (kind === 'readMail' ? 400 : 0)
  world.signIn(c, world.nodes[1]!, 200)
  store(world, a, c, 1, 'first')
  while (world.tables.poll() !== undefined);
  a.say(c, 2, 'second', START, { previousIsStored: true })
  world.run(3000)
  expect(c.texts).toEqual(['first', 'second'])
})

test('an old answer of the tables does not hide what a newer one says is in the mailbox', () => {
  const world = new World()
  const [a, c] = [world.peer('a', 'ann', ['home']), world.peer('c', 'cat', ['home'])]
  const node = world.nodes[0]!
  store(world, a, c, 1, 'first')
  const travels: Record<string, number[]> = { readMail: [0, 300, 900, 900], discardMail: [0, 400] }
  world.answersTake = (kind) => travels[kind]?.shift() ?? 0
  c.acknowledges = false
  world.signIn(c, node, 100)
  world.handle(node, { kind: 'push', push: { kind: 'mail', peer: c.id } })
  world.run(1100)
  const receipt = { peer: a.id, epoch: 1, sequence: 1, outcome: 'delivered' } as const
  c.send(FRAME.RECEIPT, encodeReceipt(receipt))
  c.acknowledges = true
  world.run(400)
  world.write(() => store(world, a, c, 2, 'second'))
  world.run(5000)
  expect(new Set(c.texts)).toEqual(new Set(['first', 'second']))
  expect(world.tables.mailOf(c.id)).toEqual([])
})

/** Steps until the recipient has received as many messages; at most for `ms`. */
function stepUntil(pair: Pair, count: number, ms: number): void {
  for (let at = 0; at < ms && pair.received.length < count; at += STEP_MS) pair.step()
}

test('a page that the recipient holds for a predecessor is read again, though no push tells that it was stored', () => {
  const pair = new Pair()
  const { world, sender, recipient } = pair
  world.signIn(recipient)
  world.write(() => store(world, sender, recipient, 2, 'second', { previous: 1 }))
  stepUntil(pair, 1, 1_000)
  expect(recipient.texts).toEqual(['second'])
  store(world, sender, recipient, 1, 'first')
  while (world.tables.poll() !== undefined);
  stepUntil(pair, 2, 20_000)
  expect(pair.received).toEqual(['first', 'second'])
})

test('a message is handed over with its successors, though a clock that was set back puts twenty of them before it', () => {
  const pair = new Pair()
  const { world, sender, recipient } = pair
  const numbers = Array.from({ length: 21 }, (_, i) => i + 1)
  for (const sequence of numbers) {
    const sentAt = sequence === 1 ? START : START - 60_000 + sequence
    store(world, sender, recipient, sequence, `message ${sequence}`, { previous: sequence - 1, sentAt })
  }
  world.signIn(recipient)
  stepUntil(pair, numbers.length, 20_000)
  expect(pair.received).toEqual(numbers.map((sequence) => `message ${sequence}`))
})
