import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ANSWER_EXCESS } from '../../../shared/core/stun/answer.ts'
import { COUNTERS_PER_MS, encodeForward } from '../../../shared/core/stun/forward.ts'
import { type StunPair, StunServer, type StunServerOptions } from '../../../shared/core/stun/stun-server.ts'
import { addressOf, formatAddress, isIpv4, parseAddress, sameIp } from '../../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../../shared/wire/batch.ts'
import {
  type BindingOptions,
  decodeBindingAnswer,
  encodeBindingRequest,
  encodeRoomyRequest,
} from '../../../shared/wire/stun-client.ts'

const at = (text: string) => parseAddress(text)!
const pair = (ip: string): StunPair => [at(`${ip}:3478`), at(`${ip}:3479`)]
const A = { ipv4: pair('198.51.100.1'), ipv6: pair('[2001:db8:a::1]') }
const B = { ipv4: pair('198.51.100.2'), ipv6: pair('[2001:db8:b::1]') }
const FLEET_KEY = new Uint8Array(32).fill(7)
const TRANSACTION = Uint8Array.from({ length: 12 }, (_, i) => i)
const NOW = 1_750_000_000_000
const CLIENT = '192.0.2.77:40000'
const CLIENT6 = '[2001:db8:c::7]:40000'

const serverOf = (options: Partial<StunServerOptions> = {}) =>
  new StunServer({ own: A, partner: B, fleetKeys: [FLEET_KEY], seed: new Uint8Array(32), ...options })

interface Sent {
  readonly to: string
  readonly socket: number
  readonly bytes: Uint8Array
}

function give(
  server: StunServer,
  datagrams: readonly Uint8Array[],
  from = CLIENT,
  socket = 0,
  now = NOW,
): Sent[] {
  const arrived = new Batch()
  const out = new Batch(1)
  for (const bytes of datagrams) arrived.push(bytes, at(from).words, 0, socket)
  server.receive(arrived, out, now)
  return Array.from({ length: out.count }, (_, i) => ({
    to: formatAddress(out.addressOf(i).words),
    socket: out.socket[i]!,
    bytes: out.at(i).slice(),
  }))
}

const ask = (options: BindingOptions = {}) => encodeBindingRequest(TRANSACTION, options)
const texts = (sent: Sent) => {
  const { mapped, origin, other, error, unknown } = decodeBindingAnswer(sent.bytes)!
  const text = (address = undefined as { words: Uint32Array } | undefined) =>
    address && formatAddress(address.words)
  return { mapped: text(mapped), origin: text(origin), other: text(other), ...(error && { error, unknown }) }
}

const firstOf = (ends: typeof A, from: string) =>
  formatAddress((isIpv4(at(from).words) ? ends.ipv4 : ends.ipv6)[0].words)

const isFrom = (sent: Sent, source: string) => sameIp(at(sent.to).words, 0, at(source).words, 0)

/** Asks a pair of servers: what A hands to its partner goes to B immediately. */
function askPair(options: BindingOptions, socket: number, from = CLIENT): { by: 'A' | 'B'; sent: Sent } {
  const [first] = give(serverOf(), [ask(options)], from, socket)
  if (isFrom(first!, from)) return { by: 'A', sent: first! }
  const partner = isIpv4(at(from).words) ? B.ipv4[0] : B.ipv6[0]
  expect([first!.to, first!.socket]).toEqual([formatAddress(partner.words), 0])
  const [second] = give(serverOf({ own: B, partner: A }), [first!.bytes], firstOf(A, from))
  return { by: 'B', sent: second! }
}

test('a request is answered from the socket it came by, with both ends of the pair', () => {
  const [sent] = give(serverOf(), [ask()], CLIENT, 1)
  expect([sent!.to, sent!.socket]).toEqual([CLIENT, 1])
  expect(texts(sent!)).toEqual({ mapped: CLIENT, origin: '198.51.100.1:3479', other: '198.51.100.2:3478' })
})

test('an IPv6 request is answered with the IPv6 ends', () => {
  const [sent] = give(serverOf(), [ask()], CLIENT6)
  expect(texts(sent!)).toEqual({
    mapped: CLIENT6,
    origin: '[2001:db8:a::1]:3478',
    other: '[2001:db8:b::1]:3479',
  })
})

test('a server that is told its own address later says it from then on', () => {
  const server = new StunServer({ partner: B, fleetKeys: [FLEET_KEY], seed: new Uint8Array(32) })
  expect(texts(give(server, [ask()])[0]!).origin).toBeUndefined()
  server.handle({ kind: 'own', own: A })
  expect(texts(give(server, [ask()])[0]!).origin).toBe('198.51.100.1:3478')
})

/** RFC 5780 section 6.1: the address and port that answer, for each request and each socket. */
test.each([
  [false, false, 0, 'A', 0, '198.51.100.1:3478'],
  [false, true, 0, 'A', 1, '198.51.100.1:3479'],
  [true, false, 0, 'B', 0, '198.51.100.2:3478'],
  [true, true, 0, 'B', 1, '198.51.100.2:3479'],
  [false, false, 1, 'A', 1, '198.51.100.1:3479'],
  [false, true, 1, 'A', 0, '198.51.100.1:3478'],
  [true, false, 1, 'B', 1, '198.51.100.2:3479'],
  [true, true, 1, 'B', 0, '198.51.100.2:3478'],
] as const)('change IP %s and port %s at socket %i is answered by %s from socket %i', (changeIp, changePort, socket, by, from, origin) => {
  const answered = askPair({ changeIp, changePort }, socket)
  expect([answered.by, answered.sent.to, answered.sent.socket]).toEqual([by, CLIENT, from])
  const other = `198.51.100.2:${socket === 0 ? 3479 : 3478}`
  expect(texts(answered.sent)).toEqual({ mapped: CLIENT, origin, other })
})

test('RESPONSE-PORT moves the answer to another port of the same IP, by the partner as well', () => {
  for (const options of [{}, { changeIp: true }, { changePort: true }]) {
    const { sent } = askPair({ ...options, responsePort: 5000 }, 0)
    expect([sent.to, texts(sent).mapped]).toEqual(['192.0.2.77:5000', CLIENT])
  }
})

test('a server without a partner says nothing of one, and refuses to change the IP', () => {
  const server = serverOf({ partner: {} })
  const [plain] = give(server, [ask()])
  expect([texts(plain!), plain!.bytes.length]).toEqual([
    { mapped: CLIENT, origin: undefined, other: undefined },
    40,
  ])
  const [port] = give(server, [ask({ changePort: true })])
  expect([port!.socket, texts(port!).origin]).toEqual([1, '198.51.100.1:3479'])
  const [refused] = give(server, [ask({ changeIp: true })])
  expect(texts(refused!)).toMatchObject({ error: 420, unknown: [3] })
})

test('a partner that comes or goes is used from then on', () => {
  const server = serverOf({ partner: {} })
  server.handle({ kind: 'partner', partner: B })
  expect(texts(give(server, [ask()])[0]!).other).toBe('198.51.100.2:3479')
  server.handle({ kind: 'partner', partner: undefined })
  expect(texts(give(server, [ask()])[0]!).other).toBeUndefined()
})

test('an attribute that must be understood and is not is named in a 420', () => {
  const request = Uint8Array.from([
    ...ask({ fingerprint: false }),
    0,
    0x24,
    0,
    4,
    1,
    2,
    3,
    4,
    0x7f,
    0xff,
    0,
    0,
  ])
  new DataView(request.buffer).setUint16(2, request.length - 20)
  const [sent] = give(serverOf(), [request])
  expect(texts(sent!)).toMatchObject({ error: 420, unknown: [0x24, 0x7fff] })
})

test('RESPONSE-PORT with PADDING is refused, and the refusal goes to the port that asked', () => {
  const [sent] = give(serverOf(), [ask({ responsePort: 5000, padding: 8 })])
  expect([sent!.to, texts(sent!).error]).toEqual([CLIENT, 400])
})

test('PADDING comes back, never more of it than came', () => {
  for (const [padding, changeIp] of [
    [1200, false],
    [1500, false],
    [1500, true],
    [2000, true],
  ] as const) {
    const request = ask({ padding, changeIp })
    const { sent } = askPair({ padding, changeIp }, 0)
    expect(sent.bytes.length).toBeLessThanOrEqual(request.length)
    expect(sent.bytes.length).toBeGreaterThan(request.length - 100)
  }
})

test('MAPPED-ADDRESS and SOFTWARE come when the request leaves room for them', () => {
  const answer = decodeBindingAnswer(give(serverOf(), [ask({ software: 'x'.repeat(72) })])[0]!.bytes)!
  expect([answer.software, formatAddress(answer.plainMapped!.words)]).toEqual(['straightway', CLIENT])
  const short = decodeBindingAnswer(give(serverOf(), [ask()])[0]!.bytes)!
  expect([short.software, short.plainMapped]).toEqual([undefined, undefined])
})

test('the bare request gets the bare answer: 56 bytes for 20, 92 over IPv6', () => {
  const lengthFor = (from: string) => give(serverOf(), [ask({ fingerprint: false })], from)[0]!.bytes.length
  expect([lengthFor(CLIENT), lengthFor(CLIENT6)]).toEqual([20 + ANSWER_EXCESS.ipv4, 20 + ANSWER_EXCESS.ipv6])
})

const wholeRequest = fc
  .record(
    {
      changeIp: fc.boolean(),
      changePort: fc.boolean(),
      responsePort: fc.nat({ max: 0xffff }),
      padding: fc.nat({ max: 1600 }),
      software: fc.string({ maxLength: 120 }),
      fingerprint: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map(ask)
const withUnknown = fc.array(fc.integer({ min: 0x30, max: 0x7fff }), { maxLength: 400 }).map((types) => {
  const request = Uint8Array.from([
    ...ask({ fingerprint: false }),
    ...types.flatMap((t) => [t >> 8, t & 255, 0, 0]),
  ])
  new DataView(request.buffer).setUint16(2, request.length - 20)
  return request
})

test('no answer to any kind of request is longer than the request and ANSWER_EXCESS, and each goes back to its IP', () => {
  const from = fc.constantFrom(CLIENT, CLIENT6)
  const partner = fc.constantFrom(B, {})
  fc.assert(
    fc.property(
      fc.oneof(wholeRequest, withUnknown),
      from,
      fc.nat({ max: 1 }),
      partner,
      (request, source, socket, other) => {
        const own = serverOf({ partner: other })
        const first = give(own, [request], source, socket)
        expect(first.length).toBe(1)
        const sent = isFrom(first[0]!, source)
          ? first[0]!
          : give(serverOf({ own: B, partner: A }), [first[0]!.bytes], firstOf(A, source))[0]!
        const excess = isIpv4(at(source).words) ? ANSWER_EXCESS.ipv4 : ANSWER_EXCESS.ipv6
        expect(sent.bytes.length).toBeLessThanOrEqual(request.length + excess)
        expect(isFrom(sent, source)).toBe(true)
        expect(sent.bytes.length % 4).toBe(0)
        expect(decodeBindingAnswer(sent.bytes)).toBeDefined()
      },
    ),
    { numRuns: 2000 },
  )
})

test('what is no request is dropped and counted by what was wrong with it', () => {
  const good = ask()
  const changed = (i: number, value: number) => good.map((byte, j) => (i === j ? value : byte))
  const server = serverOf()
  const answer = give(serverOf(), [good])[0]!.bytes
  const sent = give(server, [
    Uint8Array.of(),
    good.subarray(0, 19),
    changed(4, 0),
    changed(27, good[27]! ^ 1),
    changed(1, 0x11),
    answer,
    Uint8Array.of(0x51, 0x30, 1, 2, 3),
  ])
  expect(sent).toEqual([])
  expect(server.counters).toMatchObject({
    malformed: 2,
    wrongCookie: 1,
    wrongFingerprint: 1,
    notARequest: 2,
    forged: 1,
    answered: 0,
  })
})

const SHORT = { fingerprint: false }
const answersTo = (server: StunServer, from: string, request: Uint8Array, count: number, now = NOW) =>
  Array.from({ length: count }, () => give(server, [request], from, 0, now)).flat().length

test('one address and port gets so many answers that are longer than their requests, and another is not held up', () => {
  const server = serverOf({ longerPerSecond: 10 })
  expect(answersTo(server, CLIENT, ask(), 100)).toBe(30)
  expect(answersTo(server, CLIENT, ask(), 100, NOW + 1000)).toBe(10)
  expect(answersTo(server, '192.0.2.77:40001', ask(), 100, NOW + 1000)).toBe(30)
  expect(server.counters.limited).toBe(70 + 90 + 70)
})

test('a thousand forged requests a second in the name of an IP lock nobody out there', () => {
  const server = serverOf()
  const victim = () => [
    give(server, [ask(SHORT)], CLIENT, 0, now),
    give(server, [encodeRoomyRequest(TRANSACTION)], CLIENT, 0, now),
    give(server, [ask({ changeIp: true })], CLIENT, 0, now),
  ]
  let now = NOW
  for (let i = 0; i < 10_000; i++, now++) {
    give(server, [ask(SHORT)], `192.0.2.77:${1024 + ((i * 7) % 30_000)}`, 0, now)
    if (i % 500 === 0) expect(victim().map(({ length }) => length)).toEqual([1, 1, 1])
  }
})

test('all answers together exceed their requests by so many bytes a second, and what leaves room is always answered', () => {
  const server = serverOf({ excessBytesPerSecond: 36_000 })
  let [asked, answered] = [0, 0]
  for (let i = 0; i < 10_000; i++) {
    const from = `203.0.${113 + (i >> 12)}.${i & 255}:${1000 + (i >> 4)}`
    asked += 20
    for (const { bytes } of give(server, [ask(SHORT)], from, 0, NOW + i / 10)) answered += bytes.length
  }
  expect(answered - asked).toBeLessThanOrEqual(36_000 * 2)
  expect(give(server, [encodeRoomyRequest(TRANSACTION)], CLIENT, 0, NOW + 1000)).toHaveLength(1)
})

test.each([
  ['IPv4', CLIENT],
  ['IPv6', CLIENT6],
])('what a peer asks is answered with no more bytes, by either of the pair, over %s', (_family, from) => {
  for (const options of [{}, { changeIp: true }, { changePort: true }, { responsePort: 7, changeIp: true }]) {
    const request = encodeRoomyRequest(TRANSACTION, options)
    const [first] = give(serverOf(), [request], from)
    const sent = isFrom(first!, from)
      ? first!
      : give(serverOf({ own: B, partner: A }), [first!.bytes], firstOf(A, from))[0]!
    expect(sent.bytes.length).toBeLessThanOrEqual(request.length)
    expect(texts(sent)).toMatchObject({ mapped: from })
  }
})

test.each([
  ['IPv4', 56, 125, CLIENT],
  ['IPv6', 92, 161, CLIENT6],
])('CHANGE-REQUEST of 28 bytes over %s is answered with %i, and costs %i to the partner', (_family, toClient, toPartner, from) => {
  const [forward] = give(serverOf(), [ask({ ...SHORT, changeIp: true })], from)
  expect(forward!.bytes.length).toBe(toPartner)
  const [sent] = give(serverOf({ own: B, partner: A }), [forward!.bytes], firstOf(A, from))
  expect(sent!.bytes.length).toBe(toClient)
})

test('a forward of another fleet, of another time, or changed on the way is not sent', () => {
  const forward = (key: Uint8Array, sentAt: number, socket = 0) =>
    encodeForward(
      key,
      new Uint8Array(24),
      A.ipv4[0],
      sentAt * COUNTERS_PER_MS,
      socket,
      at(CLIENT).words,
      0,
      Uint8Array.of(1, 2),
    )
  const server = serverOf()
  const changed = forward(FLEET_KEY, NOW).map((byte, i) => (i === 40 ? byte ^ 1 : byte))
  const forged = [forward(new Uint8Array(32), NOW), changed, forward(FLEET_KEY, NOW, 2)]
  const stale = [forward(FLEET_KEY, NOW - 30_001), forward(FLEET_KEY, NOW + 30_001)]
  expect(give(server, [...forged, ...stale])).toEqual([])
  expect(server.counters).toMatchObject({ forged: 3, stale: 2, sentForPartner: 0 })
  expect(give(server, [forward(FLEET_KEY, NOW - 30_000)])).toMatchObject([
    { to: CLIENT, bytes: Uint8Array.of(1, 2) },
  ])
})

test('a forward that is replayed, to the same node or to another one, is not sent', () => {
  const [forward] = give(serverOf(), [ask({ changeIp: true })])
  const [partner, another] = [serverOf({ own: B, partner: A }), serverOf({ own: A, partner: B })]
  expect(give(another, [forward!.bytes])).toEqual([])
  expect(another.counters.forged).toBe(1)
  expect(give(partner, [forward!.bytes, forward!.bytes])).toHaveLength(1)
  expect(partner.counters.replayed).toBe(1)
})

test('a forward is this line on the wire', () => {
  const nonce = Uint8Array.from({ length: 24 }, (_, i) => i)
  const forward = encodeForward(
    FLEET_KEY,
    nonce,
    A.ipv4[0],
    NOW * COUNTERS_PER_MS,
    1,
    at(CLIENT).words,
    0,
    Uint8Array.of(1, 1, 0, 0),
  )
  expect(Buffer.from(forward).toString('hex')).toBe(
    '5130000102030405060708090a0b0c0d0e0f1011121314151617c06c42cab7b92f1725073a12f401fe435c907bfbcd79ac9560e9d3f1f3330cc6fbcf522bdfd11b51b20cd614c70cba',
  )
})

test('while the fleet key changes, the partner may still seal with the old one', () => {
  const old = new Uint8Array(32).fill(1)
  const server = serverOf({ fleetKeys: [FLEET_KEY, old] })
  const forward = encodeForward(
    old,
    new Uint8Array(24),
    A.ipv4[0],
    NOW * COUNTERS_PER_MS,
    1,
    at(CLIENT).words,
    0,
    Uint8Array.of(1),
  )
  expect(give(server, [forward])).toMatchObject([{ to: CLIENT, socket: 1 }])
})

test('the same seed and the same datagrams give the same bytes', () => {
  const run = (seed: number) =>
    give(serverOf({ seed: new Uint8Array(32).fill(seed) }), [ask({ changeIp: true }), ask()]).map(
      ({ bytes }) => Buffer.from(bytes).toString('hex'),
    )
  expect(run(1)).toEqual(run(1))
  expect(run(1)).not.toEqual(run(2))
})

test('a hundred thousand random and mutated datagrams make it neither throw nor send to another IP', () => {
  const server = serverOf({ longerPerSecond: 1e6, excessBytesPerSecond: 1e9 })
  const forward = encodeForward(
    FLEET_KEY,
    new Uint8Array(24),
    A.ipv4[0],
    NOW * COUNTERS_PER_MS,
    0,
    at(CLIENT).words,
    0,
    ask(),
  )
  const seeds = [
    ask(),
    ask({ changePort: true, padding: 40, responsePort: 7 }),
    ask({ fingerprint: false }),
    forward,
  ]
  const next = lehmer(20_260_101)
  const arrived = new Batch(64)
  const out = new Batch(64)
  const source = addressOf('192.0.2.77', 40000)!.words
  for (let n = 0; n < 100_000; n++) {
    arrived.push(
      next(4) === 0 ? randomBytes(next) : mutated(seeds[next(seeds.length)]!, next),
      source,
      0,
      next(2),
    )
    if (arrived.count < 64) continue
    server.receive(arrived, out, NOW)
    for (let i = 0; i < out.count; i++) {
      expect(sameIp(out.address, i * 5, source, 0) || sameIp(out.address, i * 5, B.ipv4[0].words, 0)).toBe(
        true,
      )
      expect(out.length[i]).toBeLessThanOrEqual(SLOT_BYTES)
    }
    arrived.clear()
    out.clear()
  }
  const { answered, malformed, wrongFingerprint, wrongCookie, notARequest, refused, forged } = server.counters
  for (const count of [answered, malformed, wrongFingerprint, wrongCookie, notARequest, refused, forged]) {
    expect(count).toBeGreaterThan(100)
  }
})

/** Pseudo-random numbers below n. */
function lehmer(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (state * 48271) % 0x7fffffff
    return state % n
  }
}

function randomBytes(next: (n: number) => number): Uint8Array {
  const bytes = Uint8Array.from({ length: next(120) }, () => next(256))
  if (next(2) === 0 && bytes.length > 20) bytes.set([0, 1, 0, bytes.length - 20, 0x21, 0x12, 0xa4, 0x42])
  return bytes
}

function mutated(bytes: Uint8Array, next: (n: number) => number): Uint8Array {
  const copy = bytes.slice(0, next(8) === 0 ? next(bytes.length + 1) : bytes.length)
  for (let changes = next(3); changes > 0 && copy.length > 0; changes--) copy[next(copy.length)] = next(256)
  return copy
}

test.each([
  2, -2, 720,
])('forwards pass again as soon as the clocks are right, after one or both were %i hours off', (hours) => {
  const offMs = hours * 3_600_000
  const forward = (from: StunServer, now: number) => give(from, [ask({ changeIp: true })], CLIENT, 0, now)[0]!
  const passes = (to: StunServer, { bytes }: Sent, now: number) =>
    give(to, [bytes], '198.51.100.1:3478', 0, now).length
  for (const isBoth of [false, true]) {
    const [one, other] = [serverOf(), serverOf({ own: B, partner: A })]
    one.wall.aheadMs = offMs
    other.wall.aheadMs = isBoth ? offMs : 0
    expect(passes(other, forward(one, NOW), NOW)).toBe(isBoth ? 1 : 0)
    one.wall.aheadMs = 0
    other.wall.aheadMs = 0
    const back = NOW + 60_001
    const again = forward(one, back)
    expect(passes(other, again, back)).toBe(1)
    expect(passes(other, again, back)).toBe(0)
  }
})
