/**
 * `Idempotency-Key`: a client that lost the answer to a POST sends the request again with the same key and gets the
 * same answer.
 *
 * No answers are stored. Ids and secrets are derived from the caller, the key and the request itself, so the second
 * attempt finds what the first one made. A different request with the same key derives different ids, and is
 * therefore independent. A key works until the ticket key is rotated, because the derivation uses the ticket key.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { APIGatewayProxyEvent } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { makerOf } from '../../shared/model/membership.ts'
import type { Actor } from '../../shared/model/permission.ts'
import type { RandomBytes } from '../../shared/random-bytes.ts'
import type { RestConfig } from './config.ts'
import { headerOf } from './request.ts'

/** Visible ASCII, with or without the quotes of the IETF draft (draft-ietf-httpapi-idempotency-key-header). */
const KEY = /^"?([\x21\x23-\x7e]{1,255})"?$/
const SALT = 'straightway idempotency'

/**
 * A source of random bytes for the request. With an `Idempotency-Key` it yields the same bytes whenever the request
 * is repeated. Errors: `bad-request` for a malformed key.
 */
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
