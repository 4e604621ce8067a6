/**
 * A CHECKPOINT under programs of an attacker. There are a network member that turned hostile, two honest members, an enrolled
 * peer outside the network, and the address of a third party. The attacker owns two sessions and sends frames of any type
 * over both. It forges source addresses, and replays and damages datagrams that it has seen.
 *
 * Invariants:
 *
 * - The third party receives at most three times the bytes that came in its name.
 * - Nothing from a peer without standing reaches the friend.
 * - The friend is told nothing twice.
 * - Nothing throws.
 */
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { FRAME, KIND, VERSION } from '../../../shared/wire/numbers.ts'
import type { ScriptedPeer } from '../../core/checkpoint/scripted-peer.ts'
import { networkId, userId, World } from '../../core/checkpoint/world.ts'
import type { Target } from '../fuzzer.ts'
import { type Program, play } from '../program.ts'

const THIRD_PARTY = parseAddress('203.0.113.99:53')!
const THIRD = formatAddress(THIRD_PARTY.words)
const TYPES = Object.values(FRAME)
const KINDS = Object.values(KIND)
const MOST_STEPS = 40

type Step = (scene: Scene, program: Program) => void

const STEPS: readonly Step[] = [
  ({ world }, program) => world.run(program.byte() * program.byte()),
  (scene, program) => scene.inject(program.oneOf(scene.seen), program),
  (scene, program) => scene.inject(program.damaged(program.oneOf(scene.seen)), program),
  (scene, program) => scene.inject(Uint8Array.of(VERSION, program.oneOf(KINDS), ...program.piece()), program),
  (scene, program) => scene.frame(scene.hostile(program), program),
  (scene, program) => scene.forged(scene.hostile(program), program),
  (scene, program) => {
    const peer = scene.hostile(program)
    if (peer.session !== undefined)
      peer.say(scene.friend, program.byte(), 'psst', scene.world.now, {
        previous: program.byte(),
        previousIsStored: program.oneOf([true, false]),
      })
  },
  ({ world }, program) => {
    world.write((tables) => tables.setRole(networkId('home'), userId('mal'), program.oneOf([null, 'member'])))
  },
  (scene, program) => {
    scene.world.signIn(scene.hostile(program), program.oneOf(scene.world.nodes), 50)
  },
  (scene) => scene.honest(),
]

class Scene {
  readonly world = new World(2)
  readonly member = this.world.peer('m', 'mal', ['home'])
  readonly friend = this.world.peer('f', 'fay', ['home'])
  readonly outsider = this.world.peer('o', 'out', [])
  readonly honestly = this.world.peer('h', 'hal', ['home'])
  readonly seen: Uint8Array[] = []
  came = 0
  went = 0
  said = 0

  constructor() {
    this.world.fate = (bytes, from, to) => {
      if (from === THIRD) this.came += bytes.length
      if (to === THIRD) this.went += bytes.length
      if (to.startsWith('192')) this.seen.push(bytes)
      return to === THIRD ? [] : [10]
    }
    for (const peer of [this.member, this.friend, this.outsider])
      this.world.signIn(peer, this.world.nodes[0]!, 200)
  }

  /** Returns one of the attacker's sessions. */
  hostile(program: Program): ScriptedPeer {
    return program.oneOf([this.member, this.outsider])
  }

  /** Delivers a datagram to a node from any source address. */
  inject(bytes: Uint8Array, program: Program): void {
    const from = program.oneOf([THIRD_PARTY, this.member.address, this.friend.address])
    this.world.inject(bytes, from, program.oneOf(this.world.nodes).address)
  }

  frame(peer: ScriptedPeer, program: Program): void {
    if (peer.session?.state === 'open') peer.send(program.oneOf(TYPES), program.piece())
  }

  /** Sends the session's next datagram in the third party's name. */
  forged(peer: ScriptedPeer, program: Program): void {
    const own = peer.address
    Object.assign(peer, { address: THIRD_PARTY })
    this.frame(peer, program)
    this.world.run(0)
    Object.assign(peer, { address: own })
  }

  honest(): void {
    if (this.honestly.session === undefined) return
    this.said++
    this.honestly.say(this.friend, this.said, `honest ${this.said}`, this.world.now)
  }

  check(): void {
    this.world.run(2000)
    if (this.went > 3 * this.came)
      throw new Error('a third party was sent more than three times what came in its name')
    const strange = [...this.friend.messages, ...this.friend.offers].some(
      ({ peer }) => peer === this.outsider.id,
    )
    if (strange) throw new Error('a peer without standing reached somebody')
    const honest = this.friend.texts.filter((text) => text.startsWith('honest'))
    if (new Set(honest).size !== honest.length) throw new Error('a message was delivered twice')
    for (const { machine } of this.world.nodes) {
      if (machine.sessions > this.world.peers.length) throw new Error('more sessions than peers')
    }
  }
}

export const checkpoint: Target = {
  seeds: Array.from({ length: 10 }, (_, step) => Uint8Array.of(0, 0, 0, step, 9, 9, 0, 1, 0, step, 1, 2, 3)),
  run: (input) => play(input, new Scene(), STEPS, MOST_STEPS),
}
