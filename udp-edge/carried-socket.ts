/**
 * Carries datagrams of peers whose network drops UDP. Such a peer reaches a service by a stream: a TLS connection, or the
 * gateway's WebSocket. The service's machine sees no difference.
 *
 * Each carried peer has an address in 100::/64 (discard-only, RFC 6666), which nobody has on the real network. A datagram
 * that the machine sends to this address is delivered over the stream. A datagram from the stream arrives from this address,
 * through the same socket as UDP.
 *
 *   100:0:0:0 : generation (32 bits) : place (32 bits), port 1
 *
 * When its peer has gone, a place is reused with the next generation, so late datagrams for the former peer are dropped.
 */
import { ADDRESS_WORDS, type Address, DISCARD_ONLY, isDiscardOnly } from '../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../shared/wire/batch.ts'
import type { Bind, DatagramSocket, Endpoint, Inbox, SocketCounters } from './socket.ts'

/** The port of every carried address. It has no meaning, but 0 would not be a valid port. */
const PORT = 1

/** Sends a datagram over the peer's stream. False if it was dropped. Never throws. The caller may reuse the bytes afterwards. */
export type Deliver = (bytes: Uint8Array) => boolean

export interface CarriedPeer {
  readonly address: Address
  /** Hands in a datagram from the peer. It is dropped if it is too long for a slot, or after `close`. */
  arrived(bytes: Uint8Array): void
  /** Stops delivery. No other peer gets this address. */
  close(): void
}

interface Place {
  generation: number
  deliver: Deliver | undefined
}

/** The carried peers of one socket of a service. */
export class CarriedPeers {
  readonly counters: SocketCounters = { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0 }
  readonly #places: Place[] = []
  readonly #free: number[] = []
  #inbox: Inbox | undefined

  /** Wraps `bindUdp`: the socket that it binds serves these peers in addition to peers over UDP. Call it for one socket. */
  beside(bindUdp: Bind): Bind {
    return async (endpoint: Endpoint, inbox: Inbox) => {
      const udp = await bindUdp(endpoint, inbox)
      this.#inbox = inbox
      return new CarriedSocket(udp, this)
    }
  }

  /** Assigns an address to a peer that has connected by a stream. */
  open(deliver: Deliver): CarriedPeer {
    const number = this.#free.pop() ?? this.#places.push({ generation: 0, deliver: undefined }) - 1
    const place = this.#places[number]!
    place.generation = (place.generation + 1) >>> 0
    place.deliver = deliver
    const words = Uint32Array.of(DISCARD_ONLY, 0, place.generation, number, PORT)
    let isOpen = true
    return {
      address: { words },
      arrived: (bytes) => {
        if (isOpen) this.#receive(bytes, words)
        else this.counters.dropped++
      },
      close: () => {
        if (!isOpen) return
        isOpen = false
        place.deliver = undefined
        this.#free.push(number)
      },
    }
  }

  deliver(batch: Batch, i: number): void {
    const at = i * ADDRESS_WORDS
    const place = this.#places[batch.address[at + 3]!]
    const isThere = place !== undefined && place.generation === batch.address[at + 2]
    if (isThere && place.deliver?.(batch.at(i)) === true) this.counters.sent++
    else this.counters.dropped++
  }

  #receive(bytes: Uint8Array, words: Uint32Array): void {
    this.counters.received++
    if (this.#inbox === undefined || bytes.length > SLOT_BYTES) {
      this.counters.dropped++
      return
    }
    this.#inbox.batch.push(bytes, words, 0, this.#inbox.socket)
    this.#inbox.arrived()
  }
}

class CarriedSocket implements DatagramSocket {
  readonly #udp: DatagramSocket
  readonly #carried: CarriedPeers

  constructor(udp: DatagramSocket, carried: CarriedPeers) {
    this.#udp = udp
    this.#carried = carried
  }

  get addresses(): readonly Address[] {
    return this.#udp.addresses
  }

  get counters(): SocketCounters {
    const [udp, carried] = [this.#udp.counters, this.#carried.counters]
    return {
      received: udp.received + carried.received,
      sent: udp.sent + carried.sent,
      dropped: udp.dropped + carried.dropped,
      errors: udp.errors + carried.errors,
      overrun: udp.overrun + carried.overrun,
    }
  }

  /** Sends consecutive UDP datagrams in one call of the UDP socket, and delivers the others one by one. */
  send(batch: Batch, from: number, to: number): boolean {
    let held = false
    let start = from
    for (let i = from; i < to; i++) {
      if (!isDiscardOnly(batch.address, i * ADDRESS_WORDS)) continue
      if (start < i && this.#udp.send(batch, start, i)) held = true
      this.#carried.deliver(batch, i)
      start = i + 1
    }
    if (start < to && this.#udp.send(batch, start, to)) held = true
    return held
  }

  close(): Promise<void> {
    return this.#udp.close()
  }
}
