/**
 * Very many peers of one CHECKPOINT, with real sessions and sealed frames. Only the key agreement is left out, as a million of
 * them take a quarter of an hour: both ends get the same made-up keys. Everything after it is as for every peer: the first
 * sealed datagram proves the address, the directory registers the peer, its network is joined, and it is told KNOWN.
 *
 * A peer keeps nothing here but its index at the node, so that what the process grows by is the node's.
 */
import { assemble, type CheckpointParts, KEEP_ALIVE_MS } from '../../shared/core/checkpoint/assemble.ts'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import { Session } from '../../shared/core/session/session.ts'
import { Channel } from '../../shared/crypto/channel.ts'
import type { DirectoryRequest } from '../../shared/directory.ts'
import { type NetworkId, type NodeId, type PeerId, toBase32, type UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { ADDRESS_WORDS, parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { FRAME, KIND, PREKEY_BYTES } from '../../shared/wire/numbers.ts'
import { encodeStatus } from '../../shared/wire/presence.ts'
import { encodeU32, indexAt, SHORT_BYTES, writeShort } from '../../shared/wire/session.ts'
import { replyOfEmptyTables } from '../empty-directory.ts'
import { BENCH_TICKET_KEYS } from '../ticket.ts'

export const START = 1_800_000_000_000
/** Peers of one network. */
export const NETWORK_SIZE = 100
const NODE = parseAddress('192.0.2.1:3480')!
const PREKEY = new Uint8Array(PREKEY_BYTES).fill(9)

/** Gives the address of peer `i`: five words. */
export type AddressOf = (i: number) => Uint32Array

export class Crowd {
  readonly machine: CheckpointMachine
  readonly #parts: CheckpointParts
  readonly #addressOf: AddressOf
  /** The node's index of each session. */
  readonly #indexes: Uint32Array
  readonly #arrived = new Batch(256)
  out = new Batch(256)
  #spare = new Batch(256)
  #size = 0

  constructor(most: number, addressOf: AddressOf = ownAddress) {
    const options = {
      node: 'node_bench' as NodeId,
      identity: { publicKey: new Uint8Array(32).fill(1), secretKey: new Uint8Array(32).fill(2) },
      fleetKeys: [new Uint8Array(32).fill(3)],
      ticketKeys: BENCH_TICKET_KEYS,
      seed: new Uint8Array(32).fill(4),
      now: START,
      capacity: most + 1,
    }
    this.#parts = assemble(options)
    this.machine = new CheckpointMachine(options, this.#parts)
    this.#indexes = new Uint32Array(most)
    this.#addressOf = addressOf
    this.machine.handle({ kind: 'pushesBack' }, this.out, START)
  }

  get size(): number {
    return this.#size
  }

  indexOf(i: number): number {
    return this.#indexes[i]!
  }

  /** Brings the next peer online and returns its end of the session. */
  join(now: number): Session {
    const i = this.#size++
    const [send, receive] = [keyOf(i, 1), keyOf(i, 2)]
    const arrived = this.#arrived
    arrived.push(new Uint8Array(SHORT_BYTES), this.#addressOf(i))
    const known = { peer: peerOf(i), user: userOf(i), since: now, intervalMs: KEEP_ALIVE_MS }
    const opening = { keys: { send: receive, receive: send }, remoteIndex: i + 1, arrived, i: 0 }
    const opened = this.#parts.table.open({ ...known, ticketEndsAt: now + LIMITS.ticketMs, ...opening }, now)
    arrived.clear()
    if (opened === undefined) throw new Error('The node has no room for another session.')
    this.#indexes[i] = opened.session.index
    const own = new Session({
      index: i + 1,
      remoteIndex: opened.session.index,
      channel: new Channel({ send, receive }),
      address: NODE.words.slice(),
      now,
    })
    own.send(FRAME.PACE, encodeU32(KEEP_ALIVE_MS))
    own.send(
      FRAME.STATUS,
      encodeStatus({ version: 1, status: 'online', custom: '', metadata: {}, prekey: PREKEY }),
    )
    this.exchange(own, i, now)
    return own
  }

  /** Carries datagrams between a peer and the node until neither has anything to say. Answers the node's questions. */
  exchange(own: Session, i: number, now: number): void {
    while (this.#say(own, i, now)) {
      this.machine.receive(this.#arrived, this.out, now)
      this.#arrived.clear()
      this.answer(now)
      this.read(own, this.taken(), now, () => {})
    }
  }

  /** Hands the node what a peer has to say. Returns what the node sends, and the CPU time that it took. */
  carry(own: Session, i: number, now: number): { readonly out: Batch; readonly micros: number } {
    this.#say(own, i, now)
    const began = process.cpuUsage()
    this.machine.receive(this.#arrived, this.out, now)
    const { user, system } = process.cpuUsage(began)
    this.#arrived.clear()
    this.answer(now)
    return { out: this.taken(), micros: user + system }
  }

  /** Hands a session what is for it in `out`. Returns false if there was nothing. */
  read(own: Session, out: Batch, now: number, each: (type: number, body: Uint8Array) => void): boolean {
    const sink = { frame: (_: Session, type: number, body: Uint8Array) => each(type, body) }
    let isSome = false
    for (let j = 0; j < out.count; j++) {
      const start = out.start(j)
      if (out.bytes[start + 1] !== KIND.SEALED || indexAt(out.bytes, start) !== own.index) continue
      isSome = own.receive(out, j, now, sink) || isSome
    }
    return isSome
  }

  /** Datagrams that the node has sent since the last call; valid until the next one. */
  taken(): Batch {
    const out = this.out
    this.out = this.#spare
    this.#spare = out
    this.out.clear()
    return out
  }

  #say(own: Session, i: number, now: number): boolean {
    const said = new Batch(4)
    own.flush(said, now)
    for (let j = 0; j < said.count; j++) this.#arrived.push(said.at(j), this.#addressOf(i))
    return said.count > 0
  }

  /** Answers what the node asks the directory, as an empty one would. */
  answer(now: number): void {
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll())
      if (effect.kind === 'ask') this.#reply(effect.id, effect.request, now)
  }

  #reply(id: number, request: DirectoryRequest, now: number): void {
    const standing = { networks: [networkOf(this.#size - 1)], blocks: 0 }
    this.machine.handle({ kind: 'reply', id, reply: replyOfEmptyTables(request, standing) }, this.out, now)
  }

  /** Sends the keep-alives of peers [from, to) and returns how many the node acknowledged. */
  keepAlive(order: Uint32Array, from: number, to: number, now: number): number {
    const arrived = this.#arrived
    for (let at = from; at < to; at++) {
      const i = order[at]!
      const slot = arrived.claim(this.#addressOf(i), 0, 0)
      writeShort(arrived.bytes, arrived.start(slot), KIND.KEEP_ALIVE, this.#indexes[i]!)
      arrived.length[slot] = SHORT_BYTES
    }
    this.machine.receive(arrived, this.out, now)
    arrived.clear()
    let acknowledged = 0
    for (let j = 0; j < this.out.count; j++)
      if (this.out.bytes[this.out.start(j) + 1] === KIND.KEEP_ALIVE_ACK) acknowledged++
    this.out.clear()
    return acknowledged
  }
}

const ownWords = parseAddress('10.0.0.0:40000')!.words

/** Each peer has an address of its own. The words are valid until the next call. */
function ownAddress(i: number): Uint32Array {
  ownWords[ADDRESS_WORDS - 2] = 0x0a000000 + i
  return ownWords
}

export const peerOf = (i: number): PeerId => toBase32(keyOf(i, 3)) as PeerId
export const userOf = (i: number): UserId => flat(`u_${toBase32(keyOf(i, 4).subarray(0, 10))}`) as UserId
export const networkOf = (i: number): NetworkId =>
  flat(`n_${toBase32(keyOf(Math.floor(i / NETWORK_SIZE), 5).subarray(0, 10))}`) as NetworkId

/** The same text in one piece, as JSON.parse makes it. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

function keyOf(i: number, purpose: number): Uint8Array {
  const key = new Uint8Array(32).fill(purpose)
  new DataView(key.buffer).setUint32(28, i)
  new DataView(key.buffer).setUint32(0, Math.imul(i + 1, 0x9e3779b1))
  return key
}
