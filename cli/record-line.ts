import type { PresenceRecord } from '../shared/presence.ts'

/** A line about a peer: its key, status, name, custom text and metadata. */
export function recordLine({ peer, status, custom, metadata }: PresenceRecord, name: string): string {
  const facts = Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : ''
  return [peer, status.padEnd(7), name, custom, facts].filter((each) => each !== '').join('  ')
}
