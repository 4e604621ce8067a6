/**
 * Peers whose network drops UDP reach a service by a stream that somebody keeps for them: a TLS connection, or the
 * gateway's WebSocket. The service's machine sees no difference. Each such peer has an address in 100::/64, which
 * nobody has on the real network; what the machine sends there is delivered by whoever opened the address, and what that
 * one hands in comes from there, through the same socket as UDP.
 *
 *   100:0:0:0 : generation (32 bits) : place (32 bits), port 1
 *
 * A place is taken again after its peer has gone, with the next generation: what is late for a former peer is dropped.
 */
import { ADDRESS_WORDS, type Address, DISCARD_ONLY, isDiscardOnly } from '../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../shared/wire/batch.ts'
import type { Bind, DatagramSocket, Endpoint, Inbox, SocketCounters } from './socket.ts'

/** It says nothing, but 0 is no port. */
const PORT = 1

/** Takes a datagram to the peer; false where it was dropped, never throwing. The bytes are the caller's to reuse. */
export type Deliver = (bytes: Uint8Array) => boolean

export interface CarriedPeer {
  readonly address: Address
  /** A datagram has come from the peer. Too long for a slot, or after `close`: dropped. */
  arrived(bytes: Uint8Array): void
  /** Nothing is delivered any more, and nobody gets this address again. */
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

  /** What is bound by it serves these peers beside those of UDP. For one socket. */
  beside(bindUdp: Bind): Bind {
    return async (endpoint: Endpoint, inbox: Inbox) => {
      const udp = await bindUdp(endpoint, inbox)
      this.#inbox = inbox
      return new CarriedSocket(udp, this)
    }
  }

  /** Gives a peer that comes by a stream its address. */
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

  /** Runs of datagrams over UDP stay whole. */
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
