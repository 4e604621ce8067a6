import type { PresenceRecord } from '../../shared/presence.ts'

/** One line about a peer: its key, what it does, what it is called, and what it says of itself. */
export function recordLine({ peer, status, custom, metadata }: PresenceRecord, name: string): string {
  const facts = Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : ''
  return [peer, status.padEnd(7), name, custom, facts].filter((each) => each !== '').join('  ')
}
