import { expect, test } from 'vitest'
import { Random } from '../../../shared/crypto/random.ts'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { MAX_BODY_BYTES } from '../../../shared/wire/frames.ts'
import { World } from './world.ts'

const FAR = parseAddress('203.0.113.200:7777')!
const DATAGRAMS = 100_000

/** Records the datagrams that two peers at two nodes send in a short time, and those between the nodes. */
function recorded(): { readonly world: World; readonly datagrams: Uint8Array[] } {
  const world = new World(2)
  const [a, b] = [world.peer('a', 'ann', ['home']), world.peer('b', 'bob', ['home'])]
  const datagrams: Uint8Array[] = []
  world.fate = (bytes, _, to) => {
    if (to.startsWith('192')) datagrams.push(bytes)
    return [10]
  }
  world.signIn(a)
  world.signIn(b, world.nodes[1]!)
  a.say(b, 1, 'hello', world.now)
  world.keepAlive(a)
  world.run(1000)
  return { world, datagrams }
}

function mutated(from: Uint8Array, random: Random): Uint8Array {
  const bytes = from.slice(0, random.below(10) === 0 ? random.below(from.length + 1) : from.length)
  for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
    bytes[random.below(bytes.length)] = random.below(256)
  }
  return bytes
}

test('100,000 mutated and random datagrams: no throw, no answer longer than its question, sessions live on', () => {
  const { world, datagrams } = recorded()
  const { machine } = world.nodes[0]!
  const random = new Random(new Uint8Array(32).fill(3))
  const [arrived, out] = [new Batch(1), new Batch(4)]
  for (let i = 0; i < DATAGRAMS; i++) {
    const isRandom = random.below(4) === 0
    const bytes = isRandom
      ? random.bytes(random.below(100))
      : mutated(datagrams[random.below(datagrams.length)]!, random)
    if (isRandom && bytes.length > 1) bytes[0] = 0x51
    arrived.clear()
    arrived.push(bytes, FAR.words)
    machine.receive(arrived, out, world.now)
    let answered = 0
    for (let slot = 0; slot < out.count; slot++) {
      if (formatAddress(out.address, slot * 5) === formatAddress(FAR.words)) answered += out.length[slot]!
    }
    if (answered > bytes.length)
      expect.fail(`${answered} bytes in answer to ${Buffer.from(bytes).toString('hex')}`)
    out.clear()
    if (i % 5000 === 0) world.run(1)
  }
  while (machine.poll() !== undefined);
  expect(machine.sessions).toBe(1)
  world.fate = () => [10]
  const [a, b] = world.peers
  a!.short.length = 0
  world.keepAlive(a!)
  a!.say(b!, 2, 'still here', world.now)
  world.run(5000)
  expect(a!.short).toMatchObject([{ length: 6 }])
  expect(b!.texts).toEqual(['hello', 'still here'])
})

test('an authenticated peer that sends garbage harms nobody', () => {
  const world = new World()
  const [a, b, c] = ['ann', 'bob', 'cat'].map((user) => world.peer(user, user, ['home']))
  for (const peer of [a!, b!, c!]) world.signIn(peer)
  const random = new Random(new Uint8Array(32).fill(4))
  for (let i = 0; i < 3000; i++) {
    a!.send(
      0x80 + random.below(0x10),
      random.bytes(random.below(10) === 0 ? random.below(MAX_BODY_BYTES) : 90),
    )
    if (i % 20 === 0) world.run(25)
  }
  world.run(5000)
  expect(world.nodes[0]!.machine.counters.malformed).toBeGreaterThan(100)
  b!.say(c!, 1, 'hello', world.now)
  world.run(500)
  expect(c!.texts).toEqual(['hello'])
})

test('sign-ins that prove nothing leave at most a ring of half-open sessions behind', () => {
  const world = new World()
  const a = world.peer('a', 'ann', ['home'])
  world.fate = (bytes) => (bytes[1] === 0x05 ? [] : [1])
  for (let i = 0; i < 4200; i++) world.signIn(a, world.nodes[0]!, i % 100 === 0 ? 1001 : 0)
  world.run(100)
  expect(world.nodes[0]!.machine.counters.signIns).toBeGreaterThan(4096)
  expect(world.nodes[0]!.machine.sessions).toBe(0)
  world.fate = () => [10]
  world.signIn(a)
  expect(world.nodes[0]!.machine.sessions).toBe(1)
})
