import type { OwnPresence } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import { LIMITS } from '../shared/limits.ts'

/** Throws `too-large` where the custom status or the metadata exceed LIMITS. */
export function checkedPresence(presence: OwnPresence): OwnPresence {
  const { custom, metadata } = presence
  if (Buffer.byteLength(custom) > LIMITS.customStatusBytes)
    throw new StraightwayError('too-large', `A custom status has at most ${LIMITS.customStatusBytes} bytes.`)
  if (Buffer.byteLength(JSON.stringify(metadata)) > LIMITS.metadataBytes) {
    const detail = `Live metadata has at most ${LIMITS.metadataBytes} bytes as JSON: keep more in INDEX (peer.index).`
    throw new StraightwayError('too-large', detail)
  }
  return presence
}
