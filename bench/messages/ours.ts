/** Pairs of peers that send each other messages with the SDK's own machine: sealed end to end, and acknowledged by the reader. */
import { randomBytes } from 'node:crypto'
import type { PeerEffect, PeerInput } from '../../shared/core/peer/events.ts'
import { PeerMachine } from '../../shared/core/peer/machine.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { PeerId } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { type Driver, drive } from '../../udp-edge/drive.ts'
import { benchTicket } from '../ticket.ts'
import { farFrom } from './far.ts'
import type { Line } from './line.ts'
import { nodeOf } from './nodes.ts'

export interface At {
  readonly port: number
  readonly seed: number
}

/**
 * Opens lines between peers: the writer is at the first node, the reader at the last. `wayMs`: time from a peer to
 * its node. Default 0: that of loopback.
 */
export async function openOurs(nodes: readonly At[], count: number, wayMs = 0): Promise<readonly Line[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const [writer, reader] = await Promise.all([
        BenchPeer.open(nodes[0]!, wayMs),
        BenchPeer.open(nodes.at(-1)!, wayMs),
      ])
      return { ask: (body) => writer.send(reader.id, body), received: () => reader.received }
    }),
  )
}

class BenchPeer {
  /** Bytes of messages that arrived. */
  received = 0
  readonly #identity: Identity = identityOf(randomBytes(32))
  readonly #answers = new Map<number, (outcome: string) => void>()
  readonly #wayMs: number
  #driver!: Driver<PeerInput>
  #next = 1

  private constructor(wayMs: number) {
    this.#wayMs = wayMs
  }

  static async open(at: At, wayMs: number): Promise<BenchPeer> {
    const peer = new BenchPeer(wayMs)
    await peer.#signIn(at)
    return peer
  }

  get id(): PeerId {
    return this.#identity.peer
  }

  async send(to: PeerId, body: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const id = this.#next++
    this.#answers.set(id, (outcome) => {
      if (outcome === 'delivered') resolve()
      else reject(new Error(`A message was ${outcome}.`))
    })
    this.#driver.handle({ kind: 'send', id, to, body })
    await promise
  }

  async #signIn({ port, seed }: At): Promise<void> {
    const { item, address, keys } = nodeOf(port, seed)
    const presence = { status: 'online', custom: '', metadata: {} } as const
    const options = { identity: this.#identity, random: new Random(randomBytes(32)), presence }
    const machine = new PeerMachine({ ...options, epoch: Date.now() })
    machine.handle({ kind: 'ticket', ...benchTicket(this.#identity, Date.now()) }, new Batch(1), Date.now())
    const { promise: online, resolve } = Promise.withResolvers<void>()
    this.#driver = await drive<PeerInput, PeerEffect>(machine, {
      sockets: [{ host: '127.0.0.1', port: 0 }],
      ...(this.#wayMs > 0 && { bind: farFrom(this.#wayMs) }),
      perform: (effect) => {
        if (effect.kind === 'online') resolve()
        else this.#on(effect)
        return undefined
      },
    })
    const node = { node: item.node, publicKey: keys.publicKey, addresses: [parseAddress(address)!] }
    this.#driver.handle({ kind: 'nodes', nodes: [node] })
    await online
  }

  #on(effect: PeerEffect): void {
    if (effect.kind === 'message') {
      this.received += effect.body.length
      this.#driver.handle({ kind: 'taken', from: effect.from, number: effect.number })
    } else if (effect.kind === 'receipt') {
      this.#answers.get(effect.id)?.(effect.outcome)
      this.#answers.delete(effect.id)
    }
  }
}
