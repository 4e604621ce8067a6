/**
 * All sessions of a node, designed for very many: a keep-alive reads and writes typed arrays and touches no object.
 *
 * The index that a peer sends consists of a slot and a generation, so a reused slot has a new index. Slots are in chunks that
 * never move, so a session may keep its address in a chunk. Leases are lazy: a keep-alive only records the time, and a
 * deadline that comes due is set again if the peer was heard meanwhile.
 */
import { CHANNEL_BYTES, Channel, type ChannelKeys } from '../../crypto/channel.ts'
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, type Address, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME, KIND, PREKEY_BYTES } from '../../wire/numbers.ts'
import { encodeSeen, indexAt, SHORT_BYTES, writeShort } from '../../wire/session.ts'
import { Deadlines } from '../session/deadlines.ts'
import { ACK_DELAY_MS } from '../session/incoming.ts'
import { Session } from '../session/session.ts'
import { forgetFull } from './allowances.ts'
import type { CheckpointCounters } from './counters.ts'
import { newPeerSession, type PeerSession } from './peer-session.ts'

const SLOT_BITS = 22
/** The greatest bit of an index is clear (wire/common-port.ts). */
const GENERATIONS = 2 ** (31 - SLOT_BITS)
const CHUNK = 4096
const PREKEY_STRIDE = 1 + PREKEY_BYTES
/** A session ends after silence for this many of the peer's own keep-alive intervals. */
const MISSED_INTERVALS = 3

class Chunk {
  readonly address = new Uint32Array(CHUNK * ADDRESS_WORDS)
  /** The address of each session when it was opened. */
  readonly from = new Uint32Array(CHUNK * ADDRESS_WORDS)
  readonly keys = new Uint8Array(CHUNK * CHANNEL_BYTES)
  /** The prekey of each peer: a byte that is 1 if there is one, and PREKEY_BYTES. */
  readonly prekeys = new Uint8Array(CHUNK * PREKEY_STRIDE)
  /** This node's index of the session; 0 if the slot is free. */
  readonly index = new Uint32Array(CHUNK)
  readonly remoteIndex = new Uint32Array(CHUNK)
  readonly heardAt = new Float64Array(CHUNK)
  readonly generation = new Uint16Array(CHUNK)
  readonly sessions: (PeerSession | undefined)[] = new Array<PeerSession | undefined>(CHUNK)
}

type Known = 'peer' | 'user' | 'since' | 'ticketEndsAt' | 'intervalMs'

export interface Opening extends Pick<PeerSession, Known> {
  readonly keys: ChannelKeys
  readonly remoteIndex: number
  /** The datagram for which the session is opened. */
  readonly arrived: Batch
  readonly i: number
}

/** Called when a session ends by itself. `lost`: the peer fell silent or stopped acknowledging. */
export type OnEnd = (ended: PeerSession, how: 'left' | 'lost' | 'ticketEnded') => void

export class SessionTable {
  readonly #chunks: Chunk[] = []
  readonly #free: number[] = []
  readonly #deadlines = new Deadlines()
  readonly #counters: CheckpointCounters
  readonly #challenges: Random
  #dirty: PeerSession[] = []

  /** `challenges`: source of the challenges for sessions that move. */
  constructor(counters: CheckpointCounters, challenges: Random) {
    this.#counters = counters
    this.#challenges = challenges
  }

  /** Opens a half-open session for the sender of a datagram; undefined if no slot is left. */
  open({ keys, remoteIndex, arrived, i, ...known }: Opening, now: number): PeerSession | undefined {
    const slot = this.#claim()
    if (slot === undefined) return undefined
    const [chunk, at] = [this.#chunkOf(slot), slot % CHUNK]
    chunk.generation[at] = (chunk.generation[at]! % (GENERATIONS - 1)) + 1
    const index = ((chunk.generation[at]! << SLOT_BITS) | slot) >>> 0
    const [address, addressAt] = [chunk.address, at * ADDRESS_WORDS]
    address.set(arrived.address.subarray(i * ADDRESS_WORDS, (i + 1) * ADDRESS_WORDS), addressAt)
    chunk.from.set(address.subarray(addressAt, addressAt + ADDRESS_WORDS), addressAt)
    chunk.index[at] = index
    chunk.remoteIndex[at] = remoteIndex
    chunk.heardAt[at] = now
    const socket = arrived.socket[i]!
    const channel = new Channel(keys, chunk.keys, at * CHANNEL_BYTES)
    const where = { index, remoteIndex, channel, address, addressAt, socket }
    const opened = newPeerSession(
      slot,
      new Session({ ...where, challenges: this.#challenges, onMoved, ackDelayMs: ACK_DELAY_MS, now }),
      known,
    )
    chunk.sessions[at] = opened
    this.keepPrekey(opened, undefined)
    return opened
  }

  find(index: number): PeerSession | undefined {
    const slot = slotOf(index)
    const chunk = this.#chunks[Math.floor(slot / CHUNK)]
    return chunk?.index[slot % CHUNK] === index && index !== 0 ? chunk.sessions[slot % CHUNK] : undefined
  }

  /** Answers a KEEP_ALIVE with KEEP_ALIVE_ACK if it came from the session's own address, with GONE otherwise. */
  keepAlive(arrived: Batch, i: number, out: Batch, now: number): void {
    const index = indexAt(arrived.bytes, arrived.start(i))
    const slot = slotOf(index)
    const chunk = this.#chunks[Math.floor(slot / CHUNK)]
    const at = slot % CHUNK
    const known =
      chunk !== undefined &&
      index !== 0 &&
      chunk.index[at] === index &&
      sameAddress(chunk.address, at * ADDRESS_WORDS, arrived.address, i * ADDRESS_WORDS)
    if (!known) {
      this.gone(arrived, i, out)
      return
    }
    chunk.heardAt[at] = now
    this.#counters.keepAlives++
    reply(arrived, i, out, KIND.KEEP_ALIVE_ACK, chunk.remoteIndex[at]!)
  }

  /** Sends GONE: the session is not, or no longer, here. It is six bytes long, no more than the request. */
  gone(arrived: Batch, i: number, out: Batch): void {
    this.#counters.gone++
    reply(arrived, i, out, KIND.GONE, indexAt(arrived.bytes, arrived.start(i)))
  }

  /** Queues a frame; false if there is no room or the session has ended. */
  send(to: PeerSession, type: number, body: Uint8Array): boolean {
    const taken = to.stage !== 'ended' && to.session.send(type, body)
    if (taken) this.touch(to)
    else this.#counters.dropped++
    return taken
  }

  /** Marks a session for the next flush. */
  touch(session: PeerSession): void {
    if (session.dirty) return
    session.dirty = true
    this.#dirty.push(session)
  }

  /** The address to which the WELCOME was sent. It is proven once the session is no longer half open. */
  fromOf({ slot }: PeerSession): Address {
    const at = (slot % CHUNK) * ADDRESS_WORDS
    return { words: this.#chunkOf(slot).from.slice(at, at + ADDRESS_WORDS) }
  }

  /** A view of the prekey that the peer has published; undefined if there is none. */
  prekeyOf({ slot }: PeerSession): Uint8Array | undefined {
    const at = (slot % CHUNK) * PREKEY_STRIDE
    const { prekeys } = this.#chunkOf(slot)
    return prekeys[at] === 1 ? prekeys.subarray(at + 1, at + PREKEY_STRIDE) : undefined
  }

  keepPrekey({ slot }: PeerSession, prekey: Uint8Array | undefined): void {
    const at = (slot % CHUNK) * PREKEY_STRIDE
    const { prekeys } = this.#chunkOf(slot)
    prekeys[at] = prekey === undefined ? 0 : 1
    if (prekey !== undefined) prekeys.set(prekey, at + 1)
  }

  heardAt({ slot, session }: PeerSession): number {
    return Math.max(this.#chunkOf(slot).heardAt[slot % CHUNK]!, session.heardAt)
  }

  /** Flushes marked and due sessions, reports those that ended by themselves, and frees the slots of ended ones. */
  flush(out: Batch, now: number, onEnd: OnEnd): void {
    for (let slot = this.#deadlines.take(now); slot >= 0; slot = this.#deadlines.take(now)) {
      const due = this.#chunkOf(slot).sessions[slot % CHUNK]
      if (due !== undefined) this.touch(due)
    }
    while (this.#dirty.length > 0) {
      const batch = this.#dirty
      this.#dirty = []
      for (const each of batch) this.#flushOne(each, out, now, onEnd)
    }
  }

  deadline(): number {
    return this.#dirty.length > 0 ? Number.NEGATIVE_INFINITY : this.#deadlines.next()
  }

  /** Frees the slot immediately, without telling the peer. */
  release(session: PeerSession): void {
    const { slot } = session
    session.stage = 'ended'
    const chunk = this.#chunkOf(slot)
    chunk.index[slot % CHUNK] = 0
    chunk.sessions[slot % CHUNK] = undefined
    chunk.keys.fill(0, (slot % CHUNK) * CHANNEL_BYTES, ((slot % CHUNK) + 1) * CHANNEL_BYTES)
    this.#deadlines.clear(slot)
    this.#free.push(slot)
  }

  #flushOne(each: PeerSession, out: Batch, now: number, onEnd: OnEnd): void {
    each.dirty = false
    each.session.flush(out, now)
    forgetFull(each, now)
    if (each.stage !== 'ended') this.#seeWhetherOver(each, now, onEnd)
    if (each.stage !== 'ended') this.#deadlines.set(each.slot, this.#nextOf(each))
    else if (!each.dirty) this.release(each)
  }

  #seeWhetherOver(each: PeerSession, now: number, onEnd: OnEnd): void {
    if (each.session.state === 'left') onEnd(each, 'left')
    else if (each.session.state === 'dead' || this.#leaseEndsAt(each) <= now) onEnd(each, 'lost')
    else if (each.ticketEndsAt <= now) onEnd(each, 'ticketEnded')
  }

  #nextOf(each: PeerSession): number {
    return Math.min(each.session.deadline(), this.#leaseEndsAt(each), each.ticketEndsAt)
  }

  #leaseEndsAt(each: PeerSession): number {
    return this.heardAt(each) + MISSED_INTERVALS * each.intervalMs
  }

  #claim(): number | undefined {
    if (this.#free.length === 0) {
      const first = this.#chunks.length * CHUNK
      if (first >= 2 ** SLOT_BITS) return undefined
      this.#chunks.push(new Chunk())
      for (let slot = first + CHUNK - 1; slot >= first; slot--) this.#free.push(slot)
    }
    return this.#free.pop()
  }

  #chunkOf(slot: number): Chunk {
    return this.#chunks[Math.floor(slot / CHUNK)]!
  }
}

/** Tells the peer its new address. */
const onMoved = (session: Session): void => {
  session.send(FRAME.SEEN, encodeSeen(session.address, session.addressAt))
}

const slotOf = (index: number): number => index & (2 ** SLOT_BITS - 1)

function reply(arrived: Batch, i: number, out: Batch, kind: number, index: number): void {
  const slot = out.claim(arrived.address, i * ADDRESS_WORDS, arrived.socket[i]!)
  writeShort(out.bytes, out.start(slot), kind, index)
  out.length[slot] = SHORT_BYTES
}
