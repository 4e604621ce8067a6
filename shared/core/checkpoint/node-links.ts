/**
 * NODE datagrams (wire README, section 4): frames for other nodes, queued until the flush, packed, and sealed with the fleet key.
 * A datagram names its recipient, so another node cannot open it, and it is accepted only once. It may be lost; a sender that
 * needs an answer retransmits the frame.
 */
import { type FleetKeys, openFleet, sealFleet } from '../../crypto/fleet.ts'
import type { Random } from '../../crypto/random.ts'
import type { NodeId } from '../../ids.ts'
import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import { Reader, Writer } from '../../wire/cursor.ts'
import { FRAME_HEADER_BYTES, FrameReader } from '../../wire/frames.ts'
import { headerBytes, NODE_OVERHEAD_BYTES, readHeader, writeHeader } from '../../wire/node.ts'
import { KIND, VERSION } from '../../wire/numbers.ts'
import type { Wall } from '../wall.ts'
import type { FleetView } from './fleet-view.ts'
import { NodeReplay } from './node-replay.ts'

const NONCE_BYTES = 24
/** Counters per millisecond. A node starts at its start time, so after a restart it always counts from a higher value. */
const COUNTERS_PER_MS = 1024

interface Frame {
  readonly type: number
  readonly body: Uint8Array
}

export interface NodeLinksOptions {
  readonly node: NodeId
  readonly fleet: FleetView
  readonly keys: FleetKeys
  readonly random: Random
  readonly wall: Wall
  readonly now: number
}

export class NodeLinks {
  /** Newest first. The newest key seals, all of them open. */
  keys: FleetKeys
  readonly #options: NodeLinksOptions
  readonly #self: Uint8Array
  readonly #replay = new NodeReplay()
  readonly #pending = new Map<NodeId, Frame[]>()
  #counter: number

  constructor(options: NodeLinksOptions) {
    this.#options = options
    this.keys = options.keys
    this.#self = recipient(options.node)
    this.#counter = options.now * COUNTERS_PER_MS
  }

  /** Queues a frame for the next flush. It is dropped then if the node is unknown. */
  send(to: NodeId, type: number, body: Uint8Array): void {
    const frames = this.#pending.get(to)
    if (frames === undefined) this.#pending.set(to, [{ type, body }])
    else frames.push({ type, body })
  }

  /** Opens a NODE datagram: its sender and its frames. Undefined if it is not authentic, not fresh or a replay. */
  open(
    datagram: Uint8Array,
    now: number,
  ): { readonly from: NodeId; readonly frames: FrameReader } | undefined {
    const plaintext = openFleet(this.keys, 'node', datagram.subarray(2), this.#self)
    const reader = plaintext && new Reader(plaintext)
    const header = reader && readHeader(reader)
    if (header === undefined || !this.#replay.accept(header, now, this.#options.wall)) return undefined
    return { from: header.node, frames: new FrameReader(plaintext!, plaintext!.length - reader!.left) }
  }

  flush(out: Batch, now: number): void {
    for (const [node, frames] of this.#pending) this.#flushTo(node, frames, out, now)
    this.#pending.clear()
  }

  #flushTo(to: NodeId, frames: readonly Frame[], out: Batch, now: number): void {
    const address = this.#options.fleet.checkpointOf(to)
    if (address === undefined) return
    const space = LIMITS.nodeDatagramBytes - NODE_OVERHEAD_BYTES - headerBytes(this.#options.node)
    for (let first = 0; first < frames.length; ) {
      let [end, length] = [first, 0]
      while (end < frames.length && (end === first || length + lengthOf(frames[end]!) <= space)) {
        length += lengthOf(frames[end++]!)
      }
      out.push(this.#seal(to, frames.slice(first, end), length, now), address.words)
      first = end
    }
  }

  #seal(to: NodeId, frames: readonly Frame[], length: number, now: number): Uint8Array {
    const { node, random, wall } = this.#options
    const writer = new Writer(new Uint8Array(headerBytes(node) + length))
    writeHeader(writer, { node, sentAt: wall.at(now), counter: this.#counter++ })
    for (const { type, body } of frames) writer.u8(type).bytes16(body)
    const sealed = sealFleet(this.keys[0]!, 'node', writer.done(), random.bytes(NONCE_BYTES), recipient(to))
    return new Writer(new Uint8Array(2 + sealed.length)).u8(VERSION).u8(KIND.NODE).put(sealed).done()
  }
}

const recipient = (node: NodeId): Uint8Array => new TextEncoder().encode(node)

const lengthOf = ({ body }: Frame): number => FRAME_HEADER_BYTES + body.length
