/**
 * Measures in the background how long the NAT keeps an idle mapping, on two sockets of its own, and tells how far apart
 * keep-alives may therefore be: half of that. It takes minutes, most of them silent.
 */
import { randomBytes } from 'node:crypto'
import { Lifetime, type LifetimeResult } from '../shared/core/peer/lifetime.ts'
import { Random } from '../shared/crypto/random.ts'
import type { Loop } from '../shared/drive/loop.ts'
import type { Address } from '../shared/wire/address.ts'
import { drive } from './net/drive.ts'
import { DualSocket } from './net/dual-socket.ts'

export interface MappingLifeOptions {
  /** Primary address of a STUN server. */
  readonly server: Address
  readonly measured: (intervalMs: number) => void
  readonly fault: (error: unknown) => void
}

export class MappingLife {
  readonly #sockets: readonly DualSocket[]
  readonly #loop: Loop<never, LifetimeResult>

  constructor({ server, measured, fault }: MappingLifeOptions) {
    const receive = (socket: number) => (bytes: Uint8Array, words: Uint32Array) =>
      this.#loop.receive(bytes, words, socket)
    this.#sockets = [new DualSocket(receive(0)), new DualSocket(receive(1))]
    this.#loop = drive(new Lifetime(server, new Random(randomBytes(32))), {
      send: (batch, i) => this.#sockets[batch.socket[i]!]!.send(batch, i),
      perform: ({ lifetimeMs }) => {
        void this.close()
        if (lifetimeMs !== undefined) measured(lifetimeMs / 2)
      },
      fault,
    })
    this.#loop.tick()
  }

  async close(): Promise<void> {
    this.#loop.close()
    await Promise.all(this.#sockets.map((socket) => socket.close()))
  }
}
