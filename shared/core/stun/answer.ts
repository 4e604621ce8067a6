import type { Batch } from '../../wire/batch.ts'
import { ATTRIBUTE, FINGERPRINT_BYTES, padded, STUN_HEADER_BYTES, STUN_TYPE } from '../../wire/stun.ts'
import type { StunRequest } from '../../wire/stun-request.ts'
import { addressAttributeBytes, StunWriter } from '../../wire/stun-writer.ts'

/**
 * How many bytes longer than its request an answer may be, by the IP family of the client. This is the least that the
 * RFCs allow. A request may consist of a header alone. Its answer carries XOR-MAPPED-ADDRESS (RFC 8489),
 * RESPONSE-ORIGIN and OTHER-ADDRESS: three addresses of 12 or 24 bytes. Without the last two (RFC 5780) a client cannot
 * know that the server has a second address.
 *
 * FINGERPRINT is in an answer only if it was in the request. MAPPED-ADDRESS, SOFTWARE and PADDING are added only as far
 * as the answer stays no longer than the request. An error is at most 12 bytes longer. Our own peers leave room in
 * their requests.
 */
export const ANSWER_EXCESS = { ipv4: 3 * 12, ipv6: 3 * 24 } as const

const SOFTWARE = new TextEncoder().encode('straightway')

/** Address that an answer comes from, and the one it would come from if another address and port were requested. */
export interface AnswerOrigin {
  origin: Uint32Array | undefined
  other: Uint32Array | undefined
}

/** Writes answers to requests into slots of a batch. */
export class AnswerWriter {
  readonly #writer = new StunWriter()

  /** How many bytes longer than its request the answer must be; 0 or less if the request leaves room for all of it. */
  excess(request: StunRequest, { origin, other }: AnswerOrigin): number {
    const bytes = addressAttributeBytes(request.batch.address, request.sourceAt)
    const hasOrigin = origin !== undefined && (other !== undefined || request.isDiscovery)
    const addresses = 1 + (hasOrigin ? 1 : 0) + (other === undefined ? 0 : 1)
    const fingerprint = request.hasFingerprint ? FINGERPRINT_BYTES : 0
    return STUN_HEADER_BYTES + addresses * bytes + fingerprint - request.length
  }

  /** Writes an answer. `maxBytes`: limit of its length on the way, besides the request's own length. */
  success(request: StunRequest, out: Batch, slot: number, from: AnswerOrigin, maxBytes: number): void {
    const source = request.batch.address
    const writer = this.#begin(request, out, slot, STUN_TYPE.success)
    writer.xorMappedAddress(source, request.sourceAt)
    if (from.origin !== undefined && (from.other !== undefined || request.isDiscovery)) {
      writer.address(ATTRIBUTE.RESPONSE_ORIGIN, from.origin, 0)
    }
    if (from.other !== undefined) writer.address(ATTRIBUTE.OTHER_ADDRESS, from.other, 0)
    this.#fill(request, Math.min(request.length, maxBytes))
    writer.end(request.hasFingerprint)
  }

  error(request: StunRequest, out: Batch, slot: number, code: number): void {
    const writer = this.#begin(request, out, slot, STUN_TYPE.error).errorCode(code)
    if (code === 420) writer.unknownAttributes(request.unknown, request.unknownCount)
    writer.end(request.hasFingerprint)
  }

  #begin(request: StunRequest, out: Batch, slot: number, type: number): StunWriter {
    return this.#writer.begin(out, slot, type, request.batch.bytes, request.transactionAt)
  }

  /** Uses the room that the request left, most useful attribute first; padding takes the rest. */
  #fill(request: StunRequest, maxBytes: number): void {
    const writer = this.#writer
    const source = request.batch.address
    const room = maxBytes - (request.hasFingerprint ? FINGERPRINT_BYTES : 0)
    if (writer.length + addressAttributeBytes(source, request.sourceAt) <= room) {
      writer.address(ATTRIBUTE.MAPPED_ADDRESS, source, request.sourceAt)
    }
    if (writer.length + 4 + padded(SOFTWARE.length) <= room) writer.value(ATTRIBUTE.SOFTWARE, SOFTWARE)
    const left = room - writer.length - 4
    if (request.padding >= 0 && left >= 0) writer.padding(Math.min(padded(request.padding), left))
  }
}
