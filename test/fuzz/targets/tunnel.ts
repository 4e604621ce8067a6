/**
 * Tunnel machines under programs of an attacker. Three machines:
 *
 *   ann, ben   the two honest ends of one tunnel. The attacker has none of its keys. It sees every datagram between them,
 *              delays, replays, reorders and changes them, and forges their source addresses
 *   cat        an honest end whose other end is the attacker itself, which has the keys and sends any control frame
 *
 * Invariants:
 *
 * - A third party receives at most three times the bytes that came in its name.
 * - An application gets only what the other one sent, and each datagram at most once.
 * - A datagram makes a machine send a bounded number of others.
 * - What a machine stores is bounded.
 * - Nothing throws.
 */
import type { TunnelKept } from '../../../shared/core/tunnel/events.ts'
import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { TunnelMachine } from '../../../shared/core/tunnel/tunnel-machine.ts'
import type { ChannelKeys } from '../../../shared/crypto/channel.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { TUNNEL } from '../../../shared/wire/numbers.ts'
import { type Control, MIN_PROBE_BODY, type Rekey } from '../../../shared/wire/tunnel.ts'
import type { Target } from '../fuzzer.ts'
import { type Program, play } from '../program.ts'

const at = (text: string): Address => parseAddress(text)!
const [ANN, BEN, CAT] = [at('198.51.100.1:1000'), at('198.51.100.2:2000'), at('198.51.100.3:3000')]
const ATTACKER = at('198.51.100.66:6666')
const THIRD_PARTY = at('203.0.113.7:9')
const [ROAMED, NEIGHBOUR] = [at('198.51.100.2:2001'), at('198.51.100.66:53')]
const PLACES = [THIRD_PARTY, ATTACKER, ANN, BEN, ROAMED, NEIGHBOUR]
const PACKETS = Object.values(TUNNEL)
const MOST_STEPS = 60
/** Maximum datagrams sent for one received: its answer, a full queue that waited for its news, and probes on each path. */
const MOST_ANSWERS = 200
/** Bounds on the state. One datagram carries at most 30 stream openings, each of which is answered. */
const MOST_KEPT = { paths: 32, probes: 256, streams: 2 * LIMITS.streams + 30, waiting: 64 + 16 }

interface End {
  readonly machine: TunnelMachine
  address: Address
  /** Datagrams that the application there received. */
  readonly got: string[]
  readonly sent: Set<string>
}

interface Datagram {
  readonly from: Address
  readonly to: Address
  readonly bytes: Uint8Array
}

type Step = (scene: Scene, program: Program) => void

const STEPS: readonly Step[] = [
  (scene, program) => scene.pass(program.byte() * program.byte()),
  (scene, program) => scene.talk(program.oneOf([scene.ann, scene.ben, scene.cat]), program),
  (scene, program) => scene.inject(program.oneOf(scene.seen), program),
  (scene, program) => {
    const seen = program.oneOf(scene.seen)
    scene.inject({ ...seen, bytes: program.damaged(seen.bytes) }, program)
  },
  (scene, program) => {
    const bytes = Uint8Array.of(program.oneOf(PACKETS), ...program.piece())
    scene.inject({ from: ATTACKER, to: program.oneOf([ANN, BEN, CAT]), bytes }, program)
  },
  (scene, program) => scene.say(program.oneOf(PLACES), controlOf(scene, program)),
  (scene, program) => scene.hold(program),
  (scene, program) => scene.roam(program),
  (scene, program) => scene.flood(program),
  (scene, program) => scene.spray(program),
]

class Scene {
  readonly ann = endOf(1, ANN, 1, BEN)
  readonly ben = endOf(2, BEN, 2, ANN)
  readonly cat = endOf(3, CAT, 3, ATTACKER)
  readonly seen: Datagram[] = [{ from: ATTACKER, to: ANN, bytes: new Uint8Array(20) }]
  /** Ids of the probes sent to the attacker. */
  readonly probes: bigint[] = [0n]
  readonly #ends = [this.ann, this.ben, this.cat]
  readonly #attacker = new Packets(keysOf(4), false)
  #held: Datagram[] | undefined
  #now = 0
  #numbered = 0
  #came = 0
  #went = 0

  constructor() {
    this.pass(300)
    this.say(ATTACKER, { kind: 'probe', id: 1n, here: true, bodyBytes: MIN_PROBE_BODY })
    this.pass(700)
  }

  pass(ms: number): void {
    const end = this.#now + ms
    for (let turns = 0; turns < 200 && this.#now < end; turns++) {
      const next = Math.min(...this.#ends.map(({ machine }) => machine.deadline()))
      this.#now = Math.min(end, Math.max(next, this.#now + 5))
      for (const each of this.#ends) this.#run(each, (out) => each.machine.tick(out, this.#now))
    }
    this.#now = end
  }

  /** Makes an application send a text that it has not sent before. */
  talk(from: End, program: Program): void {
    const text = `${++this.#numbered}`
    from.sent.add(text)
    const bytes = Buffer.concat([Buffer.from(text), new Uint8Array(4 * program.byte())])
    this.#run(from, (out) => from.machine.handle({ kind: 'send', bytes }, out, this.#now))
  }

  /** Makes an application send as much as fits into a second. */
  flood(program: Program): void {
    const from = program.oneOf(this.#ends)
    for (let i = 0; i < 20; i++) this.talk(from, program)
  }

  /** Delivers a datagram to an end from any source address. */
  inject({ from, to, bytes }: Datagram, program: Program): void {
    const isEnd = this.#ends.some(({ address }) => formatAddress(address.words) === formatAddress(to.words))
    this.#carry({ from: program.oneOf([from, ...PLACES]), to: isEnd ? to : CAT, bytes })
  }

  /** Makes the attacker send a control to cat, from any source address. */
  say(from: Address, control: Control): void {
    const out = new Batch(1)
    this.#attacker.sendControl(out, { words: from.words, socket: 0 }, control, this.#now)
    const datagram = { from, to: CAT, bytes: out.at(0).slice() }
    this.#note(datagram)
    this.#carry(datagram)
  }

  /** Makes the attacker send the same control from many ports. */
  spray(program: Program): void {
    const control = controlOf(this, program)
    for (let port = 1 + program.byte(), left = 40; left > 0; left--, port++)
      this.say(at(`198.51.100.66:${port}`), control)
  }

  /** Holds datagrams back, or releases them in another order. */
  hold(program: Program): void {
    const held = this.#held
    this.#held = held === undefined ? [] : undefined
    while (held !== undefined && held.length > 0) this.#carry(held.splice(program.below(held.length), 1)[0]!)
  }

  /** Gives ben another port, like a NAT. */
  roam(program: Program): void {
    this.ben.address = program.oneOf([BEN, ROAMED])
  }

  check(): void {
    if (this.#went > 3 * this.#came) throw new Error('a third party was sent more than three times what came')
    for (const [end, other] of [
      [this.ann, this.ben],
      [this.ben, this.ann],
    ] as const) {
      if (new Set(end.got).size !== end.got.length) throw new Error('a datagram was delivered twice')
      if (end.got.some((text) => !other.sent.has(text))) throw new Error('what nobody sent was delivered')
    }
    if (this.cat.got.length > 0) throw new Error('a control frame was delivered as data')
    for (const { machine } of this.#ends) {
      for (const [what, most] of Object.entries(MOST_KEPT))
        if (machine.kept[what as keyof TunnelKept] > most) throw new Error(`a tunnel keeps too many ${what}`)
    }
  }

  #run(end: End, call: (out: Batch) => void): void {
    const out = new Batch(4)
    call(out)
    if (out.count > MOST_ANSWERS) throw new Error('one call sent too much')
    for (let effect = end.machine.poll(); effect !== undefined; effect = end.machine.poll()) {
      if (effect.kind === 'datagram') end.got.push(textOf(effect.bytes))
    }
    for (let i = 0; i < out.count; i++) {
      const datagram = { from: end.address, to: out.addressOf(i), bytes: out.at(i).slice() }
      this.#note(datagram)
      if (this.#held === undefined || this.#held.length > 100) this.#carry(datagram)
      else this.#held.push(datagram)
    }
  }

  /** Records every datagram. The attacker has the keys of those addressed to it. */
  #note(datagram: Datagram): void {
    this.seen.push(datagram)
    if (formatAddress(datagram.to.words) !== formatAddress(ATTACKER.words)) return
    const line = new Batch(1)
    line.push(datagram.bytes, datagram.from.words)
    if (datagram.bytes[0] !== TUNNEL.CONTROL || !this.#attacker.open(line, 0)) return
    for (const control of this.#attacker.controls(line))
      if (control.kind === 'probe' || control.kind === 'probeBack') this.probes.push(control.id)
  }

  #carry({ from, to, bytes }: Datagram): void {
    const [sender, target] = [formatAddress(from.words), formatAddress(to.words)]
    if (sender === THIRD) this.#came += bytes.length
    if (target === THIRD) this.#went += bytes.length
    const end = this.#ends.find(({ address }) => formatAddress(address.words) === target)
    if (end === undefined || this.seen.length > 3000) return
    const arrived = new Batch(1)
    arrived.push(bytes, from.words)
    this.#run(end, (out) => end.machine.receive(arrived, out, this.#now))
  }
}

const THIRD = formatAddress(THIRD_PARTY.words)

function controlOf(scene: Scene, program: Program): Control {
  const id = program.below(2) === 0 ? program.oneOf(scene.probes) : BigInt(program.byte())
  const bodyBytes = program.oneOf([MIN_PROBE_BODY, 1176, 100])
  const here = program.below(2) === 0
  const address = program.oneOf(PLACES)
  const stream = program.byte()
  switch (program.below(10)) {
    case 0:
      return { kind: 'probe', id, here, bodyBytes }
    case 1:
      return { kind: 'probeAck', id, observed: address, bodyBytes }
    case 2:
      return {
        kind: 'probeBack',
        id: BigInt(stream),
        answers: id,
        observed: address,
        here,
        bodyBytes: 1176,
      } as Control
    case 3:
      return { kind: 'move', address }
    case 4:
      return { kind: 'streamOpen', stream, key: new Uint8Array(32).fill(stream), name: 'x' }
    case 5:
      return { kind: 'streamAccept', stream, accepter: program.byte() }
    case 6:
      return { kind: 'streamRefuse', stream }
    case 7:
      return rekeyOf('rekey', program)
    case 8:
      return rekeyOf('rekeyed', program)
    default:
      return { kind: 'close', reason: program.byte() }
  }
}

/** A renewal of keys, which may be half of a hybrid one, and of any length. */
function rekeyOf(kind: Rekey['kind'], program: Program): Rekey {
  const rekey = { kind, number: program.below(4), key: keyOf(program.byte()) }
  if (program.below(3) === 0) return rekey
  const part = program.oneOf([0, 1] as const)
  const bytes = new Uint8Array(program.oneOf([592, 544, program.byte()])).fill(program.byte())
  return { ...rekey, half: { part, bytes } }
}

const keyOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)

/** Keys of an end: 1 and 2 are the ends of one tunnel, 3 and 4 those of another. */
function keysOf(n: number): ChannelKeys {
  const other = n % 2 === 0 ? n - 1 : n + 1
  return { send: keyOf(n), receive: keyOf(other) }
}

function endOf(seed: number, address: Address, keys: number, expected: Address): End {
  const machine = new TunnelMachine({
    seed: keyOf(100 + seed),
    keys: keysOf(keys),
    mixing: 'agreed',
    direction: { handshake: [], key: keyOf(9), grant: new Uint8Array(0) },
    expected,
    terms: { clear: false, paths: 'auto' },
    stun: [],
    candidates: [],
    localPort: address.words[4]!,
    now: 0,
  })
  return { machine, address, got: [], sent: new Set() }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1').replace(/\0+$/, '')

export const tunnel: Target = {
  seeds: STEPS.map((_, step) => Uint8Array.of(1, 9, step, 1, 2, 3, 0, 40, 40, step, 0, 5, 7, 1, 1, 3)),
  run: (input) => play(input, new Scene(), STEPS, MOST_STEPS),
}
