/**
 * The forms of `dgram.Socket.send`. A tunnel has one other side, so port and address are accepted and ignored.
 *
 *   send(msg, callback?)
 *   send(msg, port, address?, callback?)
 *   send(msg, offset, length, callback?)
 *   send(msg, offset, length, port, address?, callback?)
 */
import { check } from '../shared/arguments.ts'
import type { Datagram } from '../shared/datagram.ts'
import { StraightwayError } from '../shared/errors.ts'

/** Called when a datagram was sent, or failed. */
export type SendCallback = (error: Error | null, bytes: number) => void
/** Arguments that may follow the datagram in `send`, as in `dgram`. */
export type SendArguments = readonly (number | string | SendCallback | undefined | null)[]

/**
 * Reads the arguments of `send`. Throws `bad-request` if offset and length are not within the datagram, or it has
 * another type.
 */
export function readSendArguments(
  datagram: Datagram,
  given: SendArguments,
): { bytes: Buffer; done?: SendCallback } {
  const done = given.find((argument) => typeof argument === 'function')
  const [offset, length] = given
  const isCut = typeof offset === 'number' && typeof length === 'number'
  const whole = bytesOf(datagram)
  const bytes = isCut ? cut(whole, offset, length) : whole
  return { bytes, ...(done && { done }) }
}

function cut(whole: Buffer, offset: number, length: number): Buffer {
  if (offset < 0 || length < 0 || offset + length > whole.length)
    throw new StraightwayError(
      'bad-request',
      `Offset ${offset} and length ${length} are not within ${whole.length} bytes.`,
    )
  return whole.subarray(offset, offset + length)
}

function bytesOf(datagram: Datagram): Buffer {
  if (typeof datagram === 'string') return Buffer.from(datagram)
  if (datagram instanceof Uint8Array)
    return Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length)
  check(
    Array.isArray(datagram),
    'datagram',
    'a text, bytes (Buffer, Uint8Array) or a list of those',
    datagram,
  )
  return Buffer.concat(datagram.map(bytesOf))
}
