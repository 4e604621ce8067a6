import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { ATTRIBUTE, FINGERPRINT_BYTES, padded, STUN_TYPE } from '../../wire/stun.ts'
import type { StunRequest } from '../../wire/stun-request.ts'
import { addressAttributeBytes, StunWriter } from '../../wire/stun-writer.ts'

/**
 * How many bytes longer than its request an answer may be, by the family of the asker. This is the least the RFCs leave:
 * a request may be a header alone, and its answer carries XOR-MAPPED-ADDRESS (RFC 8489), RESPONSE-ORIGIN and OTHER-ADDRESS
 * (RFC 5780, without which a client cannot know that the server has a second address): three addresses of 12 or 24 bytes.
 * FINGERPRINT is in an answer only when it was in the request; MAPPED-ADDRESS, SOFTWARE and PADDING only as far as the
 * answer stays no longer than the request; an error is at most 12 bytes longer. Our own peers leave room in their requests.
 */
export const ANSWER_EXCESS = { ipv4: 3 * 12, ipv6: 3 * 24 } as const

const SOFTWARE = new TextEncoder().encode('straightway')

/** Where an answer comes from, and where it would come from if another address and port were asked for. */
export interface AnswerOrigin {
  origin: Uint32Array | undefined
  other: Uint32Array | undefined
}

const transactionAt = (arrived: Batch, i: number): number => arrived.start(i) + 8

/** Writes answers to request i of a batch into slots of another. */
export class AnswerWriter {
  readonly #writer = new StunWriter()

  /** `maxBytes`: what there is room for on the way, besides the request's own length. */
  success(
    arrived: Batch,
    i: number,
    request: StunRequest,
    out: Batch,
    slot: number,
    from: AnswerOrigin,
    maxBytes: number,
  ): void {
    const writer = this.#writer.begin(out, slot, STUN_TYPE.success, arrived.bytes, transactionAt(arrived, i))
    writer.xorMappedAddress(arrived.address, i * ADDRESS_WORDS)
    if (from.origin !== undefined && (from.other !== undefined || request.isDiscovery)) {
      writer.address(ATTRIBUTE.RESPONSE_ORIGIN, from.origin, 0)
    }
    if (from.other !== undefined) writer.address(ATTRIBUTE.OTHER_ADDRESS, from.other, 0)
    const room = Math.min(request.length, maxBytes) - (request.hasFingerprint ? FINGERPRINT_BYTES : 0)
    this.#fill(arrived.address, i * ADDRESS_WORDS, request, room)
    writer.end(request.hasFingerprint)
  }

  error(arrived: Batch, i: number, request: StunRequest, out: Batch, slot: number, code: number): void {
    const writer = this.#writer.begin(out, slot, STUN_TYPE.error, arrived.bytes, transactionAt(arrived, i))
    writer.errorCode(code)
    if (code === 420) writer.unknownAttributes(request.unknown, request.unknownCount)
    writer.end(request.hasFingerprint)
  }

  /** What the request left room for. Its own padding comes back in full when nothing else takes the place. */
  #fill(source: Uint32Array, sourceAt: number, request: StunRequest, room: number): void {
    const writer = this.#writer
    if (writer.length + addressAttributeBytes(source, sourceAt) <= room) {
      writer.address(ATTRIBUTE.MAPPED_ADDRESS, source, sourceAt)
    }
    if (writer.length + 4 + padded(SOFTWARE.length) <= room) writer.value(ATTRIBUTE.SOFTWARE, SOFTWARE)
    const left = room - writer.length - 4
    if (request.padding >= 0 && left >= 0) writer.padding(Math.min(padded(request.padding), left))
  }
}
