/** The peer's CHECKPOINT machine on a socket of its own. */
import { randomBytes } from 'node:crypto'
import type { OwnPresence, PeerEffect, PeerInput } from '../shared/core/peer/events.ts'
import type { InboxMemory } from '../shared/core/peer/inbox.ts'
import { PeerMachine } from '../shared/core/peer/machine.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from './clock.ts'
import { DualSocket } from './net/dual-socket.ts'
import { Loop } from './net/loop.ts'

export interface SessionOptions {
  readonly identity: Identity
  readonly presence: OwnPresence
  /** Messages that earlier runs delivered. */
  readonly delivered: readonly InboxMemory[]
  readonly perform: (effect: PeerEffect) => void
  readonly fault: (error: unknown) => void
}

export class Session {
  readonly #socket: DualSocket
  readonly #loop: Loop<PeerInput, PeerEffect>

  constructor({ identity, presence, delivered, perform, fault }: SessionOptions) {
    const random = new Random(randomBytes(32))
    const machine = new PeerMachine({ identity, random, presence, epoch: now(), memory: delivered })
    this.#socket = new DualSocket((bytes, words) => this.#loop.receive(bytes, words, 0))
    const send = this.#socket.send.bind(this.#socket)
    this.#loop = new Loop(machine, { send, perform, fault })
    this.#loop.tick()
  }

  handle(input: PeerInput): void {
    this.#loop.handle(input)
  }

  /** Says goodbye to the node. */
  async close(): Promise<void> {
    this.#loop.handle({ kind: 'leave' })
    this.#loop.close()
    await this.#socket.close()
  }
}
