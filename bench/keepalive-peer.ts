import { randomBytes } from 'node:crypto'
import type { PeerEffect, PeerInput, PeerNode } from '../shared/core/peer/events.ts'
import { PeerMachine } from '../shared/core/peer/machine.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import { Random } from '../shared/crypto/random.ts'
import { ADDRESS_WORDS } from '../shared/wire/address.ts'
import { Batch } from '../shared/wire/batch.ts'
import { KIND, VERSION } from '../shared/wire/numbers.ts'
import { SHORT_BYTES, writeShort } from '../shared/wire/session.ts'
import { bindUdp } from '../udp-edge/bind.ts'
import { drive } from '../udp-edge/drive.ts'
import type { DatagramSocket, Endpoint, Inbox } from '../udp-edge/socket.ts'
import type { Asker } from './measure.ts'
import { benchTicket } from './ticket.ts'

/** Offset in WELCOME of the session's index at the node. */
const NODE_INDEX_AT = 6
/** Keep-alives that one call of the system sends, so that the load costs less than the server. */
const AT_ONCE = 64

/**
 * A peer that signs in with the SDK's own machine, like every peer, and then repeats the KEEP_ALIVE of its session from the
 * same socket. So the node does all the work of a real keep-alive.
 */
export class KeepAlivePeer implements Asker {
  answers = 0
  readonly #node: PeerNode
  readonly #keepAlives = new Batch(AT_ONCE)
  /** Datagrams that arrived. Those for the machine are passed on. */
  readonly #arrived = new Batch()
  #socket!: DatagramSocket

  constructor(node: PeerNode) {
    this.#node = node
    for (let i = 0; i < AT_ONCE; i++)
      this.#keepAlives.length[this.#keepAlives.claim(node.addresses[0]!.words, 0, 0)] = SHORT_BYTES
  }

  /** Signs in. Resolves when the node has accepted the session. */
  async signIn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const driver = await drive<PeerInput, PeerEffect>(this.#machine(), {
      sockets: [{ host: '127.0.0.1', port: 0 }],
      bind: (endpoint, inbox) => this.#bind(endpoint, inbox, resolve),
    })
    driver.handle({ kind: 'nodes', nodes: [this.#node] })
    await promise
  }

  ask(count: number): void {
    for (let left = count; left > 0; left -= AT_ONCE)
      this.#socket.send(this.#keepAlives, 0, Math.min(left, AT_ONCE))
  }

  #machine(): PeerMachine {
    const identity = identityOf(randomBytes(32))
    const presence = { status: 'online', custom: '', metadata: {} } as const
    const machine = new PeerMachine({
      identity,
      random: new Random(randomBytes(32)),
      presence,
      epoch: Date.now(),
    })
    machine.handle({ kind: 'ticket', ...benchTicket(identity, Date.now()) }, new Batch(1), Date.now())
    return machine
  }

  async #bind(endpoint: Endpoint, inbox: Inbox, signedIn: () => void): Promise<DatagramSocket> {
    const arrived = () => this.#onArrived(inbox, signedIn)
    this.#socket = await bindUdp(endpoint, { batch: this.#arrived, socket: 0, arrived })
    return this.#socket
  }

  #onArrived(inbox: Inbox, signedIn: () => void): void {
    let acknowledged = 0
    for (let i = 0; i < this.#arrived.count; i++) {
      const start = this.#arrived.start(i)
      const kind = this.#arrived.bytes[start] === VERSION ? this.#arrived.bytes[start + 1] : undefined
      if (kind === KIND.KEEP_ALIVE_ACK) acknowledged++
      else {
        if (kind === KIND.WELCOME) this.#onWelcome(start)
        if (kind === KIND.SEALED) signedIn()
        inbox.batch.push(this.#arrived.at(i), this.#arrived.address, i * ADDRESS_WORDS, inbox.socket)
        inbox.arrived()
      }
    }
    this.#arrived.clear()
    this.answers += acknowledged
    if (acknowledged > 0) this.ask(acknowledged)
  }

  #onWelcome(start: number): void {
    const index = this.#arrived.view.getUint32(start + NODE_INDEX_AT)
    const { bytes } = this.#keepAlives
    for (let i = 0; i < AT_ONCE; i++) writeShort(bytes, this.#keepAlives.start(i), KIND.KEEP_ALIVE, index)
  }
}
