import { Packets } from '../../../shared/core/tunnel/packets.ts'
import { pathParts } from '../../../shared/core/tunnel/path-parts.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { type Control, MIN_PROBE_BODY, probeBodyBytes } from '../../../shared/wire/tunnel.ts'

const [ONE, TWO] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
export const address = (text: string): Address => parseAddress(text)!
export const B = address('198.51.100.2:40000')
export const RELAY = address('192.0.2.9:4002')

export interface SentPacket {
  readonly to: string
  readonly ttl: number
  readonly bytes: number
  readonly controls: readonly Control[]
}

/** The paths of one side. The test plays the other side of them, at any address. */
export class OtherSide {
  now = 0
  readonly out = new Batch()
  readonly packets = new Packets({ send: ONE, receive: TWO }, false)
  readonly #other = new Packets({ send: TWO, receive: ONE }, false)
  readonly paths = pathParts(this.packets, true, new Random(new Uint8Array(32).fill(9)))

  /** Address of the path in use. */
  get at(): string | undefined {
    const { active } = this.paths.choice
    return active && formatAddress(active.words)
  }

  /** Returns what this side sent since the last call: destination and content. */
  sent(): SentPacket[] {
    const sent = Array.from({ length: this.out.count }, (_, i) => {
      const to = formatAddress(this.out.address, i * 5)
      const [ttl, bytes] = [this.out.ttl[i]!, this.out.length[i]!]
      const control = this.out.bytes[this.out.start(i)] === 0x61 && this.#other.open(this.out, i)
      return { to, ttl, bytes, controls: control ? this.#other.controls(this.out) : [] }
    })
    this.out.clear()
    return sent
  }

  /** Sends a control from the other side, from an address. */
  say(from: Address, control: Control): void {
    const { prover } = this.paths
    const line = new Batch()
    this.#other.sendControl(line, { words: from.words, socket: 0 }, control, this.now)
    if (!this.packets.open(line, 0)) throw new Error('does not open')
    const packet = { newest: this.packets.newest, bytes: line.length[0]! }
    const path = prover.heard(from.words, 0, 0, packet, this.out, this.now)
    if (path === undefined) return
    for (const it of this.packets.controls(line)) {
      if (it.kind === 'probe') prover.onProbe(path, it, this.out, this.now)
      if (it.kind === 'probeAck') prover.onAck(path, it, this.out, this.now)
      if (it.kind !== 'probeBack') continue
      prover.onAck(path, { ...it, kind: 'probeAck', id: it.answers }, this.out, this.now)
      prover.onProbe(path, { ...it, kind: 'probe' }, this.out, this.now)
    }
  }

  /** Answers every probe that was sent to `at`, by default from there. */
  answer(at: Address, from = at): void {
    for (const { to, controls } of this.sent()) {
      for (const it of controls) {
        if (it.kind === 'probe' && to === formatAddress(at.words)) {
          const { id, bodyBytes } = it
          this.say(from, { kind: 'probeAck', id, observed: at, bodyBytes })
        }
      }
    }
  }

  /** Proves a path whose answers take `rttMs`. */
  reach(there: Address, rttMs = 0): void {
    this.paths.targets.probe(there.words, 0, 0, this.out, this.now)
    for (let i = 0; i < 2; i++) {
      this.now += rttMs
      this.answer(there)
    }
  }

  /** Makes a relay usable. */
  bind(relay: Address): void {
    const path = this.paths.book.reach('relayed', relay.words, 0, 0, this.now)!
    this.paths.prover.admit(path, this.out, this.now)
    this.answer(relay)
  }

  pass(ms: number): this {
    const { prover } = this.paths
    for (const end = this.now + ms; prover.deadline() <= end; ) {
      this.now = Math.max(prover.deadline(), this.now)
      prover.tick(this.out, this.now)
    }
    this.now += ms
    return this
  }

  /** Lets `ms` pass while one path answers. */
  stay(ms: number, there: Address): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.pass(100)
      this.answer(there)
    }
  }
}

export const probe = (id = 1n, here = false): Control => ({
  kind: 'probe',
  id,
  here,
  bodyBytes: MIN_PROBE_BODY,
})
export const FULL_PROBE = { kind: 'probe', id: 1n, here: false, bodyBytes: probeBodyBytes(1200) } as const
