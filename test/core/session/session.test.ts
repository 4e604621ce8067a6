import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ACK_DELAY_MS } from '../../../shared/core/session/incoming.ts'
import { type FrameSink, Session } from '../../../shared/core/session/session.ts'
import { Channel } from '../../../shared/crypto/channel.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { type Ack, encodeAck, encodeRenewal } from '../../../shared/wire/session.ts'

const START = 1_700_000_000_000
const NODE = parseAddress('192.0.2.1:4000')!
const PEER = parseAddress('198.51.100.7:5000')!
const ELSEWHERE = parseAddress('203.0.113.9:6000')!

/** One end of a session, and the frames it received. */
class End implements FrameSink {
  readonly session: Session
  readonly heard: string[] = []
  readonly out = new Batch()

  constructor(session: Session) {
    this.session = session
  }

  frame(_: Session, type: number, body: Uint8Array): void {
    this.heard.push(`${type.toString(16)}:${Buffer.from(body).toString()}`)
  }
}

interface Flight {
  readonly to: End
  readonly bytes: Uint8Array
  readonly from: Uint32Array
  readonly at: number
}

/** A peer and a node joined by a link that may lose, duplicate and delay. Time jumps to the next event. */
class Pair {
  readonly peer: End
  readonly node: End
  now = START
  source = PEER.words
  #flights: Flight[] = []
  readonly #fate: (bytes: Uint8Array) => readonly number[]

  /** `fate` gives the delays in milliseconds after which the copies of a datagram arrive. */
  constructor(fate: (bytes: Uint8Array) => readonly number[] = () => [10], ackDelayMs = 0) {
    this.#fate = fate
    const [up, down] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    this.peer = new End(
      new Session({
        index: 1,
        remoteIndex: 2,
        channel: new Channel({ send: up, receive: down }),
        address: NODE.words.slice(),
        ackDelayMs,
        renews: new Random(new Uint8Array(32).fill(8)),
        now: START,
      }),
    )
    this.node = new End(
      new Session({
        index: 2,
        remoteIndex: 1,
        channel: new Channel({ send: down, receive: up }),
        address: PEER.words.slice(),
        challenges: new Random(new Uint8Array(32).fill(7)),
        ackDelayMs,
        now: START,
      }),
    )
  }

  /** Runs until nothing happens any more, at most `untilMs`. */
  run(untilMs = 60_000): void {
    const end = this.now + untilMs
    this.#flush()
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.now = Math.max(this.now, next)
      for (const flight of this.#flights.filter(({ at }) => at <= this.now)) this.#deliver(flight)
      this.#flights = this.#flights.filter(({ at }) => at > this.now)
      this.#flush()
    }
  }

  deliver(to: End, bytes: Uint8Array, from: Uint32Array): boolean {
    const arrived = new Batch()
    arrived.push(bytes, from)
    return to.session.receive(arrived, 0, this.now, to)
  }

  /** Returns what an end sends now, without delivering it. */
  flushed(end: End): Uint8Array[] {
    end.session.flush(end.out, this.now)
    const datagrams = Array.from({ length: end.out.count }, (_, i) => end.out.at(i).slice())
    end.out.clear()
    return datagrams
  }

  #next(): number {
    const flights = this.#flights.map(({ at }) => at)
    return Math.min(this.peer.session.deadline(), this.node.session.deadline(), ...flights)
  }

  #deliver({ to, bytes, from }: Flight): void {
    this.deliver(to, bytes, from)
  }

  #flush(): void {
    for (const end of [this.peer, this.node]) {
      const [to, from] = end === this.peer ? [this.node, this.source] : [this.peer, NODE.words]
      for (const bytes of this.flushed(end)) {
        for (const delay of this.#fate(bytes)) this.#flights.push({ to, bytes, from, at: this.now + delay })
      }
    }
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `frame ${i}`)
const asStatus = (words: readonly string[]): string[] => words.map((word) => `80:${word}`)

test('frames that fit together travel in one datagram', () => {
  const pair = new Pair()
  for (const word of ['a', 'b', 'c']) pair.peer.session.send(FRAME.STATUS, text(word))
  const datagrams = pair.flushed(pair.peer)
  expect(datagrams.map(({ length }) => length)).toEqual([14 + 3 * (3 + 4 + 1) + 16])
})

test('no datagram is longer than 1,200 bytes', () => {
  const pair = new Pair()
  for (let i = 0; i < 20; i++) pair.peer.session.send(FRAME.MESSAGE, new Uint8Array(500 + i))
  const lengths = pair.flushed(pair.peer).map(({ length }) => length)
  expect(lengths.length).toBe(10)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1200)
})

test.each([
  ['at once', 0],
  ['after a while', ACK_DELAY_MS],
])('acknowledged %s, frames arrive once and in order through loss, repetition and disorder', (_, ackDelayMs) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 80 }), (seed, count) => {
      const random = new Random(Uint8Array.from({ length: 32 }, (_, i) => (seed >>> (i % 4)) & 255))
      const copies = () => (random.below(100) < 20 ? [] : random.below(100) < 20 ? [0, 0] : [0])
      const pair = new Pair(() => copies().map(() => 5 + random.below(300)), ackDelayMs)
      const words = numbered(count)
      for (const word of words) pair.peer.session.send(FRAME.STATUS, text(word))
      for (const word of words) pair.node.session.send(FRAME.STATUS, text(word))
      pair.run()
      if (pair.peer.session.state === 'open' && pair.node.session.state === 'open') {
        expect(pair.node.heard).toEqual(asStatus(words))
        expect(pair.peer.heard).toEqual(asStatus(words))
        expect(pair.peer.session.settled).toBe(true)
      } else {
        expect(asStatus(words).slice(0, pair.node.heard.length)).toEqual(pair.node.heard)
      }
    }),
    { numRuns: 60, seed: 1 },
  )
})

describe('an acknowledgement that may wait', () => {
  /** Returns a pair in which the peer has sent `frames` frames and the node has received them. */
  function said(frames: number): Pair {
    const pair = new Pair(() => [0], ACK_DELAY_MS)
    for (let i = 0; i < frames; i++) pair.peer.session.send(FRAME.STATUS, text('x'))
    for (const bytes of pair.flushed(pair.peer)) pair.deliver(pair.node, bytes, PEER.words)
    return pair
  }

  test('leaves alone when its time has come', () => {
    const pair = said(1)
    expect(pair.flushed(pair.node)).toEqual([])
    expect(pair.node.session.deadline()).toBe(START + ACK_DELAY_MS)
    pair.now += ACK_DELAY_MS
    expect(pair.flushed(pair.node)).toHaveLength(1)
    expect(pair.node.session.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  test('travels with whatever leaves before, and then no more by itself', () => {
    const pair = said(1)
    pair.node.session.ping(7)
    const [datagram, ...more] = pair.flushed(pair.node)
    expect(more).toEqual([])
    pair.deliver(pair.peer, datagram!, NODE.words)
    expect(pair.peer.session.settled).toBe(true)
    pair.now += ACK_DELAY_MS
    expect(pair.flushed(pair.node)).toEqual([])
  })

  test('does not wait where much has come', () => {
    const pair = said(8)
    expect(pair.flushed(pair.node)).toHaveLength(1)
  })
})

test('at most 32 frames are in flight, and the queue behind them is bounded', () => {
  const pair = new Pair()
  let taken = 0
  while (pair.peer.session.send(FRAME.STATUS, text('x'))) taken++
  expect(taken).toBe(256)
  const bytes = pair.flushed(pair.peer).reduce((sum, { length }) => sum + length, 0)
  expect(bytes).toBe(14 + 16 + 32 * 8)
})

test('a frame is repeated after 250, 500, 1000, 2000 .. milliseconds, and after six repeats the session is dead', () => {
  const pair = new Pair(() => [])
  pair.peer.session.send(FRAME.STATUS, text('anybody there?'))
  const sentAt: number[] = []
  for (pair.flushed(pair.peer); pair.peer.session.state === 'open'; pair.flushed(pair.peer)) {
    pair.now = pair.peer.session.deadline()
    sentAt.push(pair.now - START)
  }
  expect(sentAt).toEqual([250, 750, 1750, 3750, 5750, 7750, 9750])
  expect(pair.peer.session.state).toBe('dead')
  expect(pair.peer.session.deadline()).toBe(Number.POSITIVE_INFINITY)
})

test('a way longer than the first repeat is learnt once, and then nothing is repeated in haste', () => {
  let datagrams = 0
  const pair = new Pair(() => {
    datagrams++
    return [400]
  })
  pair.peer.session.send(FRAME.STATUS, text('first'))
  pair.run()
  datagrams = 0
  pair.peer.session.send(FRAME.STATUS, text('second'))
  pair.run()
  expect(pair.node.heard).toEqual(asStatus(['first', 'second']))
  expect(datagrams).toBe(2)
})

test('the round trip is measured on frames that were sent once', () => {
  const pair = new Pair(() => [40])
  pair.peer.session.send(FRAME.STATUS, text('x'))
  pair.run()
  expect(pair.peer.session.roundTripMs).toBe(80)
})

test('a frame that a later one has overtaken is repeated as soon as that is known', () => {
  const pair = new Pair()
  pair.peer.session.send(FRAME.STATUS, text('first'))
  pair.run()
  pair.peer.session.send(FRAME.STATUS, text('lost'))
  pair.flushed(pair.peer)
  pair.now += 30
  pair.peer.session.send(FRAME.STATUS, text('later'))
  for (const bytes of pair.flushed(pair.peer)) pair.deliver(pair.node, bytes, PEER.words)
  for (const bytes of pair.flushed(pair.node)) pair.deliver(pair.peer, bytes, NODE.words)
  for (const bytes of pair.flushed(pair.peer)) pair.deliver(pair.node, bytes, PEER.words)
  expect(pair.node.heard).toEqual(asStatus(['first', 'lost', 'later']))
})

test('a side that is still heard is not taken for dead after six repeats, but after sixteen', () => {
  const pair = new Pair(() => [])
  pair.peer.session.send(FRAME.STATUS, text('anybody there?'))
  let repeats = 0
  for (pair.flushed(pair.peer); pair.peer.session.state === 'open'; repeats++) {
    pair.now = pair.peer.session.deadline()
    pair.node.session.ping(1)
    for (const bytes of pair.flushed(pair.node)) pair.deliver(pair.peer, bytes, NODE.words)
    pair.flushed(pair.peer)
  }
  expect(repeats).toBe(17)
})

test('a lost acknowledgement is made good by the next thing that is said', () => {
  const pair = new Pair()
  pair.peer.session.send(FRAME.STATUS, text('x'))
  for (const bytes of pair.flushed(pair.peer)) pair.deliver(pair.node, bytes, PEER.words)
  pair.flushed(pair.node)
  pair.node.session.ping(1)
  for (const bytes of pair.flushed(pair.node)) pair.deliver(pair.peer, bytes, NODE.words)
  expect(pair.peer.session.settled).toBe(true)
})

test('a ping is answered with its token', () => {
  const pair = new Pair()
  pair.peer.session.ping(0x41424344)
  pair.run()
  expect(pair.peer.heard).toEqual(['3:ABCD'])
})

test('a goodbye leaves with the next flush and ends both sides', () => {
  const pair = new Pair()
  pair.node.session.goodbye('draining')
  pair.run()
  expect(pair.node.session.state).toBe('closed')
  expect(pair.peer.session.state).toBe('left')
  expect(pair.peer.session.reason).toBe('draining')
  expect(pair.peer.session.send(FRAME.STATUS, text('x'))).toBe(false)
})

describe('a session that moves', () => {
  /** Delivers a ping to the node from another address. */
  function pingFrom(pair: Pair, from: Uint32Array): number {
    pair.peer.session.ping(1)
    const [ping] = pair.flushed(pair.peer)
    expect(pair.deliver(pair.node, ping!, from)).toBe(true)
    return ping!.length
  }

  const sent = (pair: Pair) => {
    pair.node.session.flush(pair.node.out, pair.now)
    const { out } = pair.node
    const datagrams = Array.from({ length: out.count }, (_, i) => ({
      bytes: out.at(i).slice(),
      to: out.addressOf(i).words,
    }))
    out.clear()
    return datagrams
  }

  test('follows its peer once the new address has answered a challenge', () => {
    const pair = new Pair()
    pingFrom(pair, ELSEWHERE.words)
    expect(pair.node.session.address).toEqual(PEER.words)
    const challenge = sent(pair)
    expect(challenge.map(({ to }) => to)).toEqual([ELSEWHERE.words])
    pair.deliver(pair.peer, challenge[0]!.bytes, NODE.words)
    for (const response of pair.flushed(pair.peer)) pair.deliver(pair.node, response, ELSEWHERE.words)
    expect(pair.node.session.address).toEqual(ELSEWHERE.words)
    for (let i = 0; i < 50; i++) pair.node.session.send(FRAME.MESSAGE, new Uint8Array(1000))
    expect(sent(pair).map(({ to }) => to)).toEqual(Array(32).fill(ELSEWHERE.words))
  })

  test('stays where it was for a datagram that is older, or came before', () => {
    const pair = new Pair()
    pair.peer.session.ping(1)
    const [first] = pair.flushed(pair.peer)
    pair.peer.session.ping(2)
    const [second] = pair.flushed(pair.peer)
    expect(pair.deliver(pair.node, second!.slice(), PEER.words)).toBe(true)
    expect(pair.deliver(pair.node, first!.slice(), ELSEWHERE.words)).toBe(true)
    expect(pair.deliver(pair.node, second!.slice(), ELSEWHERE.words)).toBe(false)
    expect(sent(pair).map(({ to }) => to)).toEqual([PEER.words])
  })

  test('by a forged source sends that address at most three times what came from it, whatever there is to send', () => {
    const pair = new Pair()
    for (let i = 0; i < 50; i++) pair.node.session.send(FRAME.MESSAGE, new Uint8Array(1000))
    let [came, went] = [0, 0]
    const count = () => {
      for (const { bytes, to } of sent(pair)) if (to[3] === ELSEWHERE.words[3]) went += bytes.length
    }
    for (let i = 0; i < 200; i++, pair.now += 100) {
      if (i % 10 === 0) came += pingFrom(pair, ELSEWHERE.words)
      count()
      expect(went).toBeLessThanOrEqual(3 * came)
      expect(pair.node.session.deadline()).toBeGreaterThan(pair.now)
    }
    expect(pair.node.session.state).toBe('open')
  })

  test('to an address that answers nothing goes on at the old one, and loses nothing', () => {
    const pair = new Pair()
    pair.run()
    pair.node.session.send(FRAME.MESSAGE, text('kept'))
    for (let i = 0; i < 50; i++) pair.node.session.send(FRAME.MESSAGE, text(`${i}`.padEnd(900)))
    pingFrom(pair, ELSEWHERE.words)
    sent(pair)
    pair.now += 3000
    pair.run()
    expect(pair.peer.heard).toHaveLength(51)
    expect(pair.node.session.address).toEqual(PEER.words)
  })

  test('goes back as soon as something newer comes from the old address', () => {
    const pair = new Pair()
    pingFrom(pair, ELSEWHERE.words)
    pingFrom(pair, PEER.words)
    expect(sent(pair).map(({ to }) => to)).toEqual([PEER.words])
  })

  test('takes no answer that was guessed, nor one to a challenge of another move', () => {
    const pair = new Pair()
    pingFrom(pair, ELSEWHERE.words)
    const [challenge] = sent(pair)
    pingFrom(pair, PEER.words)
    pair.deliver(pair.peer, challenge!.bytes, NODE.words)
    pair.peer.session.send(FRAME.PATH_RESPONSE, new Uint8Array(8))
    pair.peer.session.send(FRAME.PATH_RESPONSE, new Uint8Array(0))
    for (const response of pair.flushed(pair.peer)) pair.deliver(pair.node, response, ELSEWHERE.words)
    expect(pair.node.session.address).toEqual(PEER.words)
  })
})

test.each([
  ['far ahead', { next: 0xffffffff, held: 0 }],
  ['one ahead', { next: 4, held: 0 }],
  ['held and never sent', { next: 1, held: 0b100 }],
])('an ACK of what was never sent, %s, ends the session', (_what, ack) => {
  const pair = new Pair()
  for (const word of ['a', 'b']) pair.node.session.send(FRAME.MESSAGE, text(word))
  pair.flushed(pair.node)
  const say = (its: Ack) => {
    pair.peer.session.send(FRAME.ACK, encodeAck(its))
    for (const bytes of pair.flushed(pair.peer)) pair.deliver(pair.node, bytes, PEER.words)
  }
  say({ next: 1, held: 0b1 })
  expect(pair.node.session.state).toBe('open')
  say(ack)
  expect(pair.node.session.state).toBe('dead')
  expect(pair.flushed(pair.node)).toEqual([])
})

test('a datagram that was changed, cut or made up changes nothing', () => {
  const pair = new Pair()
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(1300), (at, flip, length) => {
      pair.peer.session.ping(7)
      const [datagram] = pair.flushed(pair.peer)
      const bad = datagram!.slice()
      bad[at % bad.length]! ^= flip
      if (at % bad.length >= 6) expect(pair.deliver(pair.node, bad, ELSEWHERE.words)).toBe(false)
      expect(pair.deliver(pair.node, datagram!.subarray(0, at % datagram!.length), PEER.words)).toBe(false)
      expect(pair.deliver(pair.node, new Uint8Array(length).fill(flip), PEER.words)).toBe(false)
      expect(pair.node.session.address).toEqual(PEER.words)
    }),
  )
  expect(pair.deliver(pair.node, pair.flushed(pair.peer)[0] ?? new Uint8Array(0), PEER.words)).toBe(false)
})

test('a session that rested goes on where it was, in both directions, and takes nothing again', () => {
  const pair = new Pair()
  const words = numbered(5)
  for (const word of words) {
    pair.peer.session.send(FRAME.STATUS, text(word))
    pair.node.session.send(FRAME.STATUS, text(word))
    pair.run()
    pair.now += 10_000
    pair.run()
    expect(pair.node.session.deadline()).toBe(Number.POSITIVE_INFINITY)
  }
  expect(pair.node.heard).toEqual(asStatus(words))
  expect(pair.peer.heard).toEqual(asStatus(words))
  expect(pair.node.session.roundTripMs).toBe(20)
})

describe('the keys of a session', () => {
  const HOUR_MS = 3600_000
  const generations = ({ peer, node }: Pair) => [peer, node].map(({ session }) => session.generation)

  /** Lets both sides send a frame every minute, for `hours`. Returns what each has sent. */
  function talk(pair: Pair, hours: number): [string[], string[]] {
    const [up, down]: [string[], string[]] = [[], []]
    for (let i = 0; i < hours * 60; i++) {
      up.push(`up ${i}`)
      down.push(`down ${i}`)
      pair.peer.session.send(FRAME.STATUS, text(`up ${i}`))
      pair.node.session.send(FRAME.STATUS, text(`down ${i}`))
      pair.run()
      pair.now = START + (i + 1) * 60_000
    }
    return [asStatus(up), asStatus(down)]
  }

  test('are renewed within every hour, and no frame is lost, doubled or shown because of it', () => {
    const pair = new Pair()
    const [up, down] = talk(pair, 6)
    expect(generations(pair)[0]).toBeGreaterThanOrEqual(6)
    expect(generations(pair)[1]).toBe(generations(pair)[0])
    expect([pair.node.heard, pair.peer.heard]).toEqual([up, down])
  })

  test('are renewed over a link that loses, doubles and reorders', () => {
    const dice = new Random(new Uint8Array(32).fill(3))
    const pair = new Pair(() =>
      Array.from({ length: dice.below(10) === 0 ? 0 : 1 + dice.below(2) }, () => 10 + dice.below(300)),
    )
    const [up, down] = talk(pair, 6)
    expect(generations(pair)[0]).toBeGreaterThanOrEqual(5)
    expect([pair.node.heard, pair.peer.heard]).toEqual([up, down])
  })

  test('stay as they are while the session is idle, and are renewed when it is used again', () => {
    const pair = new Pair()
    talk(pair, 0.1)
    pair.now += 5 * HOUR_MS
    expect([pair.flushed(pair.peer), pair.flushed(pair.node)]).toEqual([[], []])
    pair.node.session.send(FRAME.STATUS, text('wake'))
    pair.run()
    expect(generations(pair)).toEqual([1, 1])
  })

  test('open late datagrams for half a minute, and nothing twice', () => {
    const pair = new Pair()
    talk(pair, 0.5)
    pair.peer.session.send(FRAME.STATUS, text('late'))
    const [late] = pair.flushed(pair.peer) as [Uint8Array]
    pair.peer.session.send(FRAME.STATUS, text('later'))
    const [later] = pair.flushed(pair.peer) as [Uint8Array]
    pair.now += HOUR_MS
    pair.run(500)
    expect(generations(pair)).toEqual([1, 1])
    expect(pair.deliver(pair.node, late.slice(), PEER.words)).toBe(true)
    expect(pair.deliver(pair.node, late.slice(), PEER.words)).toBe(false)
    pair.now += 31_000
    pair.flushed(pair.node)
    expect(pair.deliver(pair.node, later.slice(), PEER.words)).toBe(false)
  })

  test('stay as they are at a node that does not know how, and the session goes on', () => {
    const [up, down] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const pair = new Pair()
    const old = { channel: new Channel({ send: down, receive: up }), address: PEER.words.slice(), now: START }
    const node = new End(new Session({ index: 2, remoteIndex: 1, ...old }))
    Object.defineProperty(pair, 'node', { value: node })
    const [sent] = talk(pair, 3)
    expect(generations(pair)).toEqual([0, 0])
    expect(node.heard).toEqual(sent)
  })

  test('are not changed by an answer that was not asked for, or by a key that agrees on nothing', () => {
    const pair = new Pair()
    for (const key of [new Uint8Array(32).fill(9), new Uint8Array(32)]) {
      for (const number of [0, 1, 2]) {
        pair.node.session.send(FRAME.RENEWED, encodeRenewal({ number, key }))
        pair.peer.session.send(FRAME.RENEW, encodeRenewal({ number: 2 * number, key }))
      }
      pair.run()
    }
    pair.peer.session.send(FRAME.RENEW, encodeRenewal({ number: 1, key: new Uint8Array(32) }))
    pair.run()
    expect(generations(pair)).toEqual([0, 0])
    pair.peer.session.send(FRAME.STATUS, text('still here'))
    pair.run()
    expect(pair.node.heard).toEqual(asStatus(['still here']))
  })
})
