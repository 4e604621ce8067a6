/**
 * `Idempotency-Key`: a client that lost the answer to a POST sends it again with the same key, and is answered as the first
 * time. Nothing is kept for that: ids and secrets of what a request makes are derived from who asks, the key and the request
 * itself, so the second attempt finds what the first has made. Whoever asks something else with the same key asks something
 * else. It holds until the ticket key is rotated.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { makerOf } from '../../shared/model/membership.ts'
import type { Actor } from '../../shared/model/permission.ts'
import type { RandomBytes } from '../../shared/random-bytes.ts'
import type { RestConfig } from './config.ts'
import { headerOf } from './request.ts'

/** Visible ASCII, with or without the quotes that the draft of the IETF has around it. */
const KEY = /^"?([\x21\x23-\x7e]{1,255})"?$/
const SALT = 'straightway idempotency'

/** Random bytes for the request; the same again if it comes again. Errors: `bad-request` for a key that is none. */
export function randomBytesFor(
  event: APIGatewayProxyEvent,
  actor: Actor,
  { ticketKey }: Pick<RestConfig, 'ticketKey'>,
): RandomBytes {
  const header = headerOf(event, 'idempotency-key')
  if (header === undefined) return randomBytes
  const key = KEY.exec(header.trim())?.[1]
  if (key === undefined)
    throw new StraightwayError('bad-request', 'Idempotency-Key: 1 to 255 letters that are visible ASCII')
  const asked = createHash('sha256')
    .update(event.body ?? '')
    .digest('base64url')
  let drawn = 0
  return (size) => {
    const info = [makerOf(actor), event.httpMethod, event.path, key, asked, drawn++].join('\n')
    return new Uint8Array(hkdfSync('sha256', ticketKey.d, SALT, info, size))
  }
}
