import type { OwnPresence } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import { LIMITS } from '../shared/limits.ts'
import { isMetadata } from '../shared/wire/presence.ts'

/** Throws `too-large` where the custom status or the metadata exceed LIMITS, `bad-request` where the metadata is not flat. */
export function checkedPresence(presence: OwnPresence): OwnPresence {
  const { custom, metadata } = presence
  if (Buffer.byteLength(custom) > LIMITS.customStatusBytes)
    throw new StraightwayError('too-large', `A custom status has at most ${LIMITS.customStatusBytes} bytes.`)
  if (Buffer.byteLength(JSON.stringify(metadata)) > LIMITS.metadataBytes) {
    const detail = `Live metadata has at most ${LIMITS.metadataBytes} bytes as JSON: keep more in INDEX (peer.index).`
    throw new StraightwayError('too-large', detail)
  }
  if (!isMetadata(metadata)) {
    const detail =
      'Live metadata is flat: numbers a table can keep, texts, booleans, null and lists of texts.'
    throw new StraightwayError('bad-request', detail)
  }
  return presence
}
