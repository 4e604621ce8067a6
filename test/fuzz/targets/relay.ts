/**
 * A relay under programs of strangers and of a tunnel's own sides.
 *
 * Invariants:
 *
 * - An address that has not shown a grant receives at most three times the bytes that came from it.
 * - Packets from such an address are forwarded to nobody.
 * - Nothing is added to what a leg sends.
 */
import { formatAddress } from '../../../shared/wire/address.ts'
import { type Flying, Peer, RELAY, World } from '../../core/relay/world.ts'
import type { Target } from '../fuzzer.ts'
import { type Program, play } from '../program.ts'

const SIDES = ['203.0.113.1:5000', '203.0.113.2:5000'] as const
const STRANGERS = ['198.51.100.66:6', '198.51.100.67:7'] as const
const MOST_STEPS = 60

type Step = (scene: Scene, program: Program) => void

const STEPS: readonly Step[] = [
  (scene, program) => scene.travel(scene.world.advance(program.byte() * program.byte())),
  (scene, program) => scene.arrive(program.oneOf(STRANGERS), program.oneOf(scene.seen).bytes),
  (scene, program) => {
    const from = program.oneOf([...STRANGERS, ...SIDES])
    scene.arrive(from, program.damaged(program.oneOf(scene.seen).bytes))
  },
  (scene, program) => scene.arrive(program.oneOf(STRANGERS), program.piece()),
  (scene, program) => scene.travel([program.oneOf(scene.sides).data(program.piece())]),
  (scene, program) => scene.travel(program.oneOf(scene.sides).tick()),
  (scene, program) => scene.roam(program),
]

class Scene {
  readonly world = new World()
  readonly tunnel = this.world.tunnel()
  readonly sides = SIDES.map((address, leg) => new Peer(this.world, address, this.tunnel.legs[leg]!))
  readonly seen: Flying[] = []
  readonly came = new Map<string, number>()
  readonly went = new Map<string, number>()
  /** Current and former addresses of the two sides. */
  readonly own = new Set<string>(SIDES)
  /** Source addresses of the datagrams that reached the relay, by datagram in hex. */
  readonly senders = new Map<string, string[]>()

  constructor() {
    for (const side of this.sides) this.travel(side.start())
    this.travel(this.sides[0]!.start())
  }

  /** Delivers datagrams until none is in flight, to the relay and to the sides at their own addresses. */
  travel(flying: readonly Flying[]): void {
    const queue = [...flying]
    for (let i = 0; i < queue.length && i < 200; i++) {
      const { from, to, bytes } = queue[i]!
      if (to === formatAddress(RELAY.words)) {
        this.seen.push(queue[i]!)
        queue.push(...this.#received(from, bytes))
      } else queue.push(...(this.sides.find(({ address }) => address === to)?.take(bytes) ?? []))
    }
  }

  arrive(from: string, bytes: Uint8Array): void {
    this.travel(this.#received(from, bytes))
  }

  #received(from: string, bytes: Uint8Array): readonly Flying[] {
    this.came.set(from, (this.came.get(from) ?? 0) + bytes.length)
    const hex = hexOf(bytes)
    this.senders.set(hex, [...(this.senders.get(hex) ?? []), from])
    const sent = this.world.send(from, bytes)
    for (const { to, bytes: out } of sent) this.went.set(to, (this.went.get(to) ?? 0) + out.length)
    return sent
  }

  /** Moves a side to another address, which then counts as its own. */
  roam(program: Program): void {
    const side = program.oneOf(this.sides)
    side.address = program.oneOf([...SIDES, ...STRANGERS])
    this.own.add(side.address)
    this.travel(side.start())
  }

  check(): void {
    for (const [address, went] of this.went) {
      if (this.own.has(address) || went <= 3 * (this.came.get(address) ?? 0)) continue
      throw new Error('an address without a grant was sent too much')
    }
    for (const bytes of this.sides.flatMap(({ received }) => received)) {
      const senders = this.senders.get(hexOf(bytes)) ?? []
      if (!senders.some((sender) => this.own.has(sender))) {
        throw new Error('a side got what no side had sent')
      }
    }
    if (this.world.relay.legs > 2) throw new Error('more legs than grants')
  }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export const relay: Target = {
  seeds: Array.from({ length: 7 }, (_, step) =>
    Uint8Array.of(0, 0, 0, 0, step, 1, 2, 1, 1, 1, 1, step, 3, 4, 5),
  ),
  run: (input) => play(input, new Scene(), STEPS, MOST_STEPS),
}
