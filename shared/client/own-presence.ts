import { check, checkChoice, checkText } from '../arguments.ts'
import type { OwnPresence } from '../core/peer/events.ts'
import { StraightwayError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { isMetadata } from '../wire/presence.ts'

const STATUSES = ['online', 'away', 'busy', 'invisible']

/**
 * Returns a checked copy. Throws `too-large` if the custom status or the metadata exceeds LIMITS, and `bad-request` if
 * a field is invalid.
 */
export function checkedPresence(presence: OwnPresence): OwnPresence {
  const { status, custom, metadata } = presence
  check(typeof status === 'string', 'status', `one of ${STATUSES.join(', ')}`, status)
  checkChoice(status, 'status', STATUSES)
  checkText(custom, 'custom', LIMITS.customStatusBytes)
  const wanted =
    'flat, with numbers a table can keep, texts of whole characters, booleans, null and lists of texts, and no name `constructor`'
  check(isMetadata(metadata), 'metadata', wanted, metadata)
  const json = JSON.stringify(metadata)
  const copy: unknown = JSON.parse(json)
  check(isMetadata(copy), 'metadata', wanted, copy)
  if (new TextEncoder().encode(json).length > LIMITS.metadataBytes) {
    const detail = `\`metadata\` has at most ${LIMITS.metadataBytes} bytes as JSON: keep more in INDEX (peer.index).`
    throw new StraightwayError('too-large', detail)
  }
  return { status, custom, metadata: copy }
}
