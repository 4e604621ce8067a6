/**
 * A history: what happened in a run, one JSON value a line. `at` is milliseconds since the epoch by a clock that nothing sets,
 * the same for all processes of the machine. Peers, users, networks and objects have the names p0, u0, n0, o0 and so on.
 */
export type Entry = {
  readonly at: number
} /** `run` counts the times that this peer has joined: an SDK numbers its messages anew in each run. */ & (
  | { readonly kind: 'joined'; readonly peer: string; readonly user: string; readonly run: number }
  | { readonly kind: 'left'; readonly peer: string; readonly run: number }
  | {
      readonly kind: 'sent'
      readonly id: string
      readonly from: string
      readonly to: string
      readonly run: number
    }
  /** How the promise of a message settled: `delivered`, `stored`, or the code of its error. */
  | { readonly kind: 'settled'; readonly id: string; readonly outcome: string }
  | { readonly kind: 'received'; readonly id: string; readonly by: string }
  | { readonly kind: 'said'; readonly peer: string; readonly status: string; readonly custom: string }
  /** The other peers as a peer sees them: name to `status custom`. Peers that it does not list are absent. */
  | {
      readonly kind: 'sees'
      readonly peer: string
      readonly round: number
      readonly phase: 'all' | 'left'
      readonly others: Readonly<Record<string, string>>
      readonly networks: readonly string[]
    }
  /** Result of a search by live metadata. */
  | {
      readonly kind: 'found'
      readonly peer: string
      readonly round: number
      readonly peers: readonly string[]
    }
  /** A write began, and it was acknowledged. A key is written by one writer, one write at a time. */
  | { readonly kind: 'writes'; readonly key: string; readonly value: string }
  | { readonly kind: 'wrote'; readonly key: string; readonly value: string }
  /** A complete reading of all keys that begin with `prefix`, by a listing or a search. */
  | { readonly kind: 'read'; readonly prefix: string; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'quiet'; readonly round: number }
  | { readonly kind: 'chaos'; readonly round: number }
  | { readonly kind: 'fault'; readonly act: { readonly kind: string } & Readonly<Record<string, unknown>> }
  /** A process of the run waited this long for a processor: milliseconds until now. */
  | { readonly kind: 'starved'; readonly ms: number }
  | { readonly kind: 'ended' }
)

export type EntryOf<Kind extends Entry['kind']> = Extract<Entry, { kind: Kind }>

/** Parses the lines of a history and puts them in the order of time. */
export function parseHistory(text: string): Entry[] {
  const entries = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
  return entries.sort((a, b) => a.at - b.at)
}
