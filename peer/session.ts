/** The peer's CHECKPOINT machine on a socket of its own. */
import { randomBytes } from 'node:crypto'
import type { OwnPresence, PeerEffect, PeerInput } from '../shared/core/peer/events.ts'
import type { InboxMemory } from '../shared/core/peer/inbox.ts'
import { PeerMachine } from '../shared/core/peer/machine.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from '../shared/drive/clock.ts'
import type { Loop } from '../shared/drive/loop.ts'
import type { Carriage } from './carriage.ts'
import { drive } from './net/drive.ts'
import { HomeSocket } from './net/home-socket.ts'

export interface SessionOptions {
  readonly identity: Identity
  readonly presence: OwnPresence
  /** Messages that earlier runs delivered. */
  readonly delivered: readonly InboxMemory[]
  readonly carriage: Carriage
  /** False: UDP is never used. */
  readonly udp: boolean
  /** UDP is dropped here from now on, or works. */
  readonly onBlocked: (blocked: boolean) => void
  readonly perform: (effect: PeerEffect) => void
  readonly fault: (error: unknown) => void
}

export class Session {
  readonly #socket: HomeSocket
  readonly #loop: Loop<PeerInput, PeerEffect>

  constructor(options: SessionOptions) {
    const { identity, presence, delivered, carriage, perform, fault } = options
    const random = new Random(randomBytes(32))
    const machine = new PeerMachine({ identity, random, presence, epoch: now(), memory: delivered })
    this.#socket = new HomeSocket({
      receive: (bytes, words) => this.#loop.receive(bytes, words, 0),
      udp: options.udp,
      carry: (receive, events) => carriage.session(receive, events),
      isNode: (words) => carriage.isNode(words),
      onBlocked: options.onBlocked,
      onMoved: () => this.#loop.handle({ kind: 'networkChanged' }),
    })
    const send = this.#socket.send.bind(this.#socket)
    this.#loop = drive(machine, { send, perform, fault })
    this.#loop.tick()
  }

  /** UDP is known to be dropped here, or not wanted. */
  get isBlocked(): boolean {
    return this.#socket.isBlocked
  }

  handle(input: PeerInput): void {
    if (input.kind === 'networkChanged') this.#socket.networkChanged()
    this.#loop.handle(input)
  }

  /** Says goodbye to the node. */
  async close(): Promise<void> {
    this.#loop.handle({ kind: 'leave' })
    this.#loop.close()
    await this.#socket.close()
  }
}
