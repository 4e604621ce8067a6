import { expect, test } from 'vitest'
import type { TunnelId, UserId } from '../../../shared/ids.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { encodeReceipt, MAX_SEALED_BODY_BYTES, type ReceiptOutcome } from '../../../shared/wire/messages.ts'
import { FRAME, KIND } from '../../../shared/wire/numbers.ts'
import { encodeOffer } from '../../../shared/wire/offers.ts'
import { type Fate, networkId, START, userId, World } from './world.ts'

const isBetweenNodes = (bytes: Uint8Array): boolean => bytes[1] === KIND.NODE

/** Three peers of one network: a and b at the first node, c at the second. */
function three(fate: Fate = () => [10]) {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  const c = world.peer('c', 'cat', ['home'])
  world.signIn(a)
  world.signIn(b)
  world.signIn(c, world.nodes[1]!)
  world.fate = fate
  return { world, a, b, c }
}

test('a message arrives at the same node and at another, and is receipted as delivered', () => {
  const { world, a, b, c } = three()
  a.say(b, 1, 'near', START)
  a.say(c, 1, 'far', START)
  world.run(500)
  expect([b.texts, c.texts]).toEqual([['near'], ['far']])
  expect(a.receipts.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered'])
})

test.each<ReceiptOutcome>([
  'rateLimited',
  'mailboxFull',
  'unknownPeer',
  'stored',
  'tooLarge',
  'notHere',
  'taken',
])('a recipient cannot say in the place of a node that a message is %s', (outcome) => {
  const { world, a, b, c } = three()
  for (const recipient of [b, c]) {
    recipient.acknowledges = false
    a.say(recipient, 1, 'hello', START)
    world.run(500)
    recipient.send(FRAME.RECEIPT, encodeReceipt({ peer: a.id, epoch: 1, sequence: 1, outcome }))
    world.run(500)
  }
  expect(a.receipts).toEqual([])
  expect(world.nodes.map(({ machine }) => machine.counters.malformed)).toEqual([1, 1])
})

test('the way of a message costs the directory one look-up and no write', () => {
  const { world, a, c } = three()
  world.asked.length = 0
  for (let i = 1; i <= 20; i++) a.say(c, i, `${i}`, START)
  world.run(1000)
  expect(c.texts.length).toBe(20)
  expect(world.asked).toEqual(['locate'])
})

test('a conversation at the pace of people costs one look-up, whoever of the two writes', () => {
  const { world, a, c } = three()
  world.asked.length = 0
  for (let i = 1; i <= 10; i++) {
    a.say(c, i, `${i}`, START + i)
    world.run(60_000)
    c.say(a, i, `${i} too`, START + i)
    world.run(60_000)
    world.publishFleet()
    for (const each of world.peers) world.keepAlive(each)
  }
  expect([a.texts.length, c.texts.length]).toEqual([10, 10])
  expect(world.asked.filter((kind) => kind === 'locate')).toHaveLength(1)
})

test('a sender that has left the network is not answered by what its node told of it', () => {
  const { world, a, c } = three()
  a.say(c, 1, 'hello', START)
  world.run(500)
  world.write((tables) => tables.setRole(networkId('home'), userId('ann'), null))
  world.run(500)
  c.say(a, 1, 'hello?', START + 1)
  world.run(500)
  expect(a.texts).toEqual([])
  expect(c.receipts.map(({ outcome }) => outcome)).toEqual(['unknownPeer'])
})

test('a reply in another network than the one that its sender named is looked up', () => {
  const world = new World(2)
  const [a, c] = [world.peer('a', 'ann', ['home', 'work']), world.peer('c', 'cat', ['home', 'work'])]
  world.signIn(a)
  world.signIn(c, world.nodes[1]!)
  a.say(c, 1, 'hello', START)
  world.run(500)
  world.write((tables) => tables.setRole(networkId('home'), userId('cat'), null))
  world.run(500)
  world.asked.length = 0
  c.say(a, 1, 'still here', START + 1)
  world.run(500)
  expect(a.texts).toEqual(['still here'])
  expect(world.asked).toContain('locate')
})

test('once its node is silent, no other peer of that node waits for it', () => {
  const { world, a, c } = three()
  const d = world.peer('d', 'dan', ['home'])
  world.signIn(d, world.nodes[1]!)
  a.say(c, 1, 'hello', START)
  a.say(d, 1, 'hello', START)
  world.run(500)
  world.nodes[1]!.alive = false
  a.say(c, 2, 'anybody?', START + 1)
  world.run(1_600)
  world.signIn(d, world.nodes[0]!)
  world.asked.length = 0
  a.say(d, 2, 'and you?', START + 2)
  world.run(500)
  expect(d.texts).toEqual(['hello', 'and you?'])
})

test('an offer does not rely on a place that was confirmed a minute ago', () => {
  const { world, a, c } = three()
  a.say(c, 1, 'hello', START)
  world.run(10_000)
  world.asked.length = 0
  a.say(c, 2, 'a message does', START + 1)
  world.run(10_000)
  expect(world.asked).toEqual([])
  for (const each of world.peers) world.keepAlive(each)
  world.run(20_000)
  const noise = new Uint8Array(100)
  const expected = parseAddress('198.51.100.1:5000')!
  a.send(FRAME.OFFER, encodeOffer({ tunnel: 'a'.repeat(26) as TunnelId, peer: c.id, noise, expected }))
  world.run(500)
  expect(world.asked).toContain('locate')
})

test('messages to a peer that is nowhere wait in its mailbox, and come in order before live ones', () => {
  const { world, a, c } = three()
  const d = world.peer('d', 'dan', ['home'])
  world.tables.setRole('n_homeaaaaaaaaaaaa' as never, userId('dan'), 'member')
  for (let i = 1; i <= 40; i++) a.say(d, i, `stored ${i}`, START + i)
  world.run(500)
  expect(a.receipts.map(({ outcome }) => outcome)).toEqual(Array(40).fill('stored'))
  world.signIn(d, world.nodes[1]!, 30)
  c.say(d, 1, 'live', START + 100)
  world.run(3000)
  expect(d.texts).toEqual([...Array.from({ length: 40 }, (_, i) => `stored ${i + 1}`), 'live'])
  expect(world.tables.mailOf(d.id)).toEqual([])
  expect(a.receipts.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(40)
})

test('a forward or its receipt that is lost is repeated, and the recipient gets the message once', () => {
  let lost = 0
  const { world, a, c } = three((bytes) => (isBetweenNodes(bytes) && lost++ < 2 ? [] : [10]))
  a.say(c, 1, 'hello', START)
  world.run(3000)
  expect(lost).toBeGreaterThan(2)
  expect(c.texts).toEqual(['hello'])
  expect(a.receipts).toMatchObject([{ outcome: 'delivered' }])
})

test('a message that is repeated while its receipt is awaited is handed over once', () => {
  const { world, a, c } = three()
  c.acknowledges = false
  a.say(c, 1, 'hello', START)
  world.run(2000)
  a.say(c, 1, 'hello', START)
  world.run(2000)
  expect(c.texts).toEqual(['hello'])
})

test('a peer that moved is found again', () => {
  const { world, a, c } = three()
  a.say(c, 1, 'one', START)
  world.run(200)
  world.signIn(c, world.nodes[0]!)
  a.say(c, 2, 'two', START)
  world.run(500)
  world.signIn(c, world.nodes[1]!)
  a.say(c, 3, 'three', START)
  world.run(2000)
  expect(c.texts).toEqual(['one', 'two', 'three'])
})

test('what was under way to a peer goes to where it signs in next', () => {
  const { world, a, c } = three()
  c.acknowledges = false
  a.say(c, 1, 'hello', START)
  world.run(200)
  c.acknowledges = true
  world.signIn(c, world.nodes[0]!)
  world.run(2000)
  expect(c.texts).toEqual(['hello', 'hello'])
  expect(a.receipts.at(-1)?.outcome).toBe('delivered')
})

test('an acknowledged message survives the death of the node that held its recipient', () => {
  const { world, a, c } = three()
  world.nodes[1]!.alive = false
  a.say(c, 1, 'hello', START)
  world.run(10_000)
  expect(a.receipts).toMatchObject([{ outcome: 'stored' }])
  world.signIn(c, world.nodes[0]!)
  world.run(500)
  expect(c.texts).toEqual(['hello'])
})

test('what a dead recipient had not acknowledged is in its mailbox when the session ends', () => {
  const { world, a, b } = three()
  world.fate = (_, from, to) => (from === '198.51.100.2:4000' || to === '198.51.100.2:4000' ? [] : [10])
  a.say(b, 1, 'hello', START)
  world.run(12_000)
  expect(a.receipts).toMatchObject([{ outcome: 'stored' }])
  expect(world.tables.mailOf(b.id)).toHaveLength(1)
  expect(world.tables.presence.get(b.id)?.status).toBe('offline')
})

test('who shares no network, does not exist or writes too much is told so, and who is blocked is not', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  const b = world.peer('b', 'bob', ['work'])
  const c = world.peer('c', 'cat', ['home'], [a.id])
  const d = world.peer('d', 'dan', ['home'], [userId('ann')])
  const nobody = new World().peer('x', 'x', [])
  for (const peer of [a, b, c, d]) world.signIn(peer)
  a.say(b, 1, 'hello', START)
  a.say(c, 1, 'hello', START)
  a.say(d, 1, 'hello', START)
  a.say(d, 2, 'x'.repeat(MAX_SEALED_BODY_BYTES + 1), START)
  Object.assign(nobody.identity, { peer: `${'q'.repeat(51)}a` })
  a.say(nobody, 1, 'hello', START)
  world.run(500)
  const outcomes = a.receipts.map(({ peer, outcome }) => [peer, outcome])
  expect(outcomes).toHaveLength(5)
  expect(outcomes).toEqual(
    expect.arrayContaining([
      [b.id, 'unknownPeer'],
      [c.id, 'stored'],
      [d.id, 'stored'],
      [d.id, 'tooLarge'],
      [nobody.id, 'unknownPeer'],
    ]),
  )
  expect([...b.texts, ...c.texts, ...d.texts]).toEqual([])
})

test('a block that is pushed holds at once, and so does its end', () => {
  const { world, a, b } = three()
  const push = (blocks: readonly UserId[]) => {
    world.write((tables) => tables.setBlocks(userId('bob'), blocks))
    world.run(60)
  }
  push([userId('ann')])
  a.say(b, 1, 'hello', START)
  world.run(500)
  push([])
  a.say(b, 2, 'hello again', START, { previous: 0 })
  world.run(500)
  expect(a.receipts.map(({ outcome }) => outcome)).toEqual(['stored', 'delivered'])
  expect(b.texts).toEqual(['hello again'])
})

test('a message waits for its predecessor in the mailbox, and not for one that a block dropped', () => {
  const { world, a, c } = three()
  const block = (blocks: readonly UserId[]) => {
    world.write((tables) => tables.setBlocks(userId('cat'), blocks))
    world.run(100)
  }
  const mail = { from: a.id, epoch: 1, sequence: 1, previous: 0, previousIsStored: false, sentAt: START }
  const user = userId('cat')
  const message = { ...mail, body: Buffer.from('nobody told the node of it') }
  world.tables.answer({ kind: 'storeMail', peer: c.id, user, message, now: START })
  while (world.tables.poll() !== undefined);
  a.say(c, 2, 'second', START, { previousIsStored: true })
  world.run(500)
  block([userId('ann')])
  a.say(c, 3, 'dropped', START)
  world.run(500)
  block([])
  a.say(c, 4, 'fourth', START, { previousIsStored: true })
  world.run(500)
  expect(c.texts).toEqual(['nobody told the node of it', 'second', 'fourth'])
})

test('mail that was stored after a block ended arrives, although the node has not heard of the end', () => {
  const { world, a, c } = three()
  world.write((tables) => tables.setBlocks(userId('cat'), [userId('ann')]))
  world.run(100)
  world.tables.setBlocks(userId('cat'), [])
  while (world.tables.poll() !== undefined);
  a.say(c, 1, 'hello again', START)
  world.run(1000)
  expect(c.texts).toEqual(['hello again'])
})

test('who left the network is not reached any more, although what the directory says of it is older', () => {
  const { world, a, c } = three()
  a.say(c, 1, 'hello', START)
  world.run(500)
  const setRole = (role: string | null) => {
    world.write((tables) => tables.setRole(networkId('home'), userId('cat'), role))
    world.run(60)
  }
  setRole(null)
  a.say(c, 2, 'still there?', START)
  world.run(20_000)
  a.say(c, 3, 'still there?', START, { previous: 1 })
  world.run(500)
  setRole('member')
  a.say(c, 4, 'hello again', START, { previous: 1 })
  world.run(500)
  const outcomes = a.receipts.map(({ outcome }) => outcome)
  expect(outcomes).toEqual(['delivered', 'unknownPeer', 'unknownPeer', 'delivered'])
})

test('mail of who is blocked is thrown away unseen', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  const b = world.peer('b', 'bob', ['home'], [userId('ann')])
  world.signIn(a)
  a.say(b, 1, 'hello', START)
  world.run(500)
  world.signIn(b)
  world.run(500)
  expect(b.texts).toEqual([])
  expect(world.tables.mailOf(b.id)).toEqual([])
})

test('devices of one user may write to each other without a network', () => {
  const world = new World()
  const [a, b] = [world.peer('a', 'ann', []), world.peer('b', 'ann', [])]
  world.signIn(a)
  world.signIn(b)
  a.say(b, 1, 'hello', START)
  world.run(500)
  expect(b.texts).toEqual(['hello'])
})

test('mail whose push was lost is handed over when the node hears that pushes were lost', () => {
  const { world, b } = three()
  const message = {
    from: b.id,
    epoch: 1,
    sequence: 1,
    previous: 0,
    previousIsStored: false,
    sentAt: START,
    body: Buffer.from('hello'),
  }
  const recipients = world.peers.map(({ id }) => id)
  for (const peer of recipients)
    world.tables.answer({ kind: 'storeMail', peer, user: userId('x'), message, now: START })
  while (world.tables.poll() !== undefined);
  world.run(5000)
  expect(world.peers.flatMap(({ texts }) => texts)).toEqual([])
  for (const node of world.nodes) world.handle(node, { kind: 'pushesBack' })
  world.run(500)
  expect(world.peers.flatMap(({ texts }) => texts)).toEqual(['hello', 'hello', 'hello'])
})

test('a sender that has half of a mailbox is refused the newest', () => {
  const { world, a } = three()
  const d = world.peer('d', 'dan', ['home'])
  world.signIn(d)
  d.session!.goodbye('leaving')
  for (let i = 1; i <= 600; i++) {
    a.say(d, i, `${i}`, START + i)
    if (i % 10 === 0) world.run(250)
  }
  world.run(1000)
  const full = a.receipts.filter(({ outcome }) => outcome === 'mailboxFull')
  expect(a.receipts.filter(({ outcome }) => outcome === 'stored')).toHaveLength(500)
  expect(full.map(({ sequence }) => sequence).sort((x, y) => x - y)[0]).toBe(501)
})

test('who writes without end is told to slow down, and others are not held up', () => {
  const { world, a, b, c } = three()
  for (let i = 1; i <= 600; i++) {
    a.say(c, i, `${i}`, START)
    if (i % 30 === 0) world.run(25)
  }
  b.say(c, 1, 'hello', START)
  world.run(2000)
  expect(a.receipts.some(({ outcome }) => outcome === 'rateLimited')).toBe(true)
  expect(b.receipts).toMatchObject([{ outcome: 'delivered' }])
})

test('to others an invisible recipient is no more than a mailbox', () => {
  const { world, a, b } = three()
  b.status('invisible')
  world.run(100)
  a.say(b, 1, 'hello', START)
  world.run(500)
  expect(b.texts).toEqual(['hello'])
  expect(a.receipts).toMatchObject([{ outcome: 'stored' }])
})

test('while the tables do not answer nothing is receipted, and what is repeated later arrives', () => {
  const { world, a } = three()
  const d = world.peer('d', 'dan', ['home'])
  world.failing.add('locate').add('storeMail')
  a.say(d, 1, 'hello', START)
  world.run(15_000)
  expect(a.receipts).toEqual([])
  world.failing.clear()
  a.say(d, 1, 'hello', START)
  world.run(500)
  expect(a.receipts).toMatchObject([{ outcome: 'stored' }])
})
