/**
 * Generates invalid datagrams: real ones that are damaged, truncated, lengthened or repeated, and random ones of every kind.
 */

import { sealFleet } from '../../shared/crypto/fleet.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { NodeId } from '../../shared/ids.ts'
import { Writer } from '../../shared/wire/cursor.ts'
import { headerBytes, writeHeader } from '../../shared/wire/node.ts'
import { FRAME, KIND, VERSION } from '../../shared/wire/numbers.ts'

const KINDS = Object.values(KIND)
const BETWEEN_NODES = Object.values(FRAME).filter((type) => type >= FRAME.FORWARD_MESSAGE)
const LONGEST = 1_300
const NODE = 'node_zzzzzzzz' as NodeId

export class Garbage {
  readonly #random = new Random(new Uint8Array(32).fill(5))
  readonly #fleetKey: Uint8Array
  readonly #nodes: readonly NodeId[]
  #count = 0

  /** The fleet's key allows it to make messages that only nodes can send, with random content. */
  constructor(fleetKey: Uint8Array, nodes: readonly NodeId[]) {
    this.#fleetKey = fleetKey
    this.#nodes = nodes
  }

  /** Makes a datagram. `recorded`: real ones by kind; each kind is equally likely. */
  make(recorded: readonly (readonly Uint8Array[])[]): Uint8Array {
    const lot = this.#random.below(10)
    if (lot === 0) return this.#random.bytes(this.#random.below(LONGEST))
    if (lot === 1) return this.#ofKind()
    if (lot === 2) return this.#ofNode()
    return this.#identified(this.#damaged(this.#oneOf(this.#oneOf(recorded))))
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)]!
  }

  #ofKind(): Uint8Array {
    const bytes = this.#random.bytes(2 + this.#random.below(200))
    bytes[0] = VERSION
    bytes[1] = this.#oneOf(KINDS)
    return bytes
  }

  /** Damages a datagram. One in four stays as it was. */
  #damaged(from: Uint8Array): Uint8Array {
    const random = this.#random
    const length = random.below(8) === 0 ? random.below(from.length + 40) : from.length
    const bytes = random.bytes(length)
    bytes.set(from.subarray(0, length))
    for (let flips = random.below(4); flips > 0 && length > 0; flips--)
      bytes[random.below(length)] = random.below(256)
    return bytes
  }

  /** Gives a datagram a unique transaction or sender index, so that each answer shows which request it is for. */
  #identified(bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const begins = bytes[0] === VERSION && (bytes[1] === KIND.SIGN_IN || bytes[1] === KIND.JOIN)
    if (bytes.length >= 20 && bytes[0]! < 4) view.setUint32(16, this.#count++)
    else if (bytes.length >= 6 && begins) view.setUint32(2, this.#count++)
    return bytes
  }

  #ofNode(): Uint8Array {
    const random = this.#random
    const body = random.bytes(random.below(300))
    const plain = new Writer(new Uint8Array(headerBytes(NODE) + 3 + body.length))
    writeHeader(plain, { node: NODE, sentAt: Date.now(), counter: this.#count++ })
    plain.u8(this.#oneOf(BETWEEN_NODES)).bytes16(body)
    const sealed = sealFleet(
      this.#fleetKey,
      'node',
      plain.done(),
      random.bytes(24),
      Buffer.from(this.#oneOf(this.#nodes)),
    )
    return Uint8Array.of(VERSION, KIND.NODE, ...sealed)
  }
}
