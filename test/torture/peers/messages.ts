/** Messages between the conductor and a process of peers. */
export interface PeerPlan {
  readonly peer: number
  readonly user: string
  readonly invite: string
  readonly home: string
}

export interface GroupPlan {
  readonly seed: string
  readonly index: string
  readonly history: string
  readonly peers: readonly PeerPlan[]
  /** INDEX's ids of the networks n0, n1 and so on. */
  readonly networks: readonly string[]
}

export type Order =
  | { readonly kind: 'begin'; readonly plan: GroupPlan }
  /** The names of all peers of all groups, by id. Sending begins: messages per second of this group. */
  | { readonly kind: 'meet'; readonly names: Readonly<Record<string, string>>; readonly rate: number }
  | { readonly kind: 'leave'; readonly peer: number }
  | { readonly kind: 'return'; readonly peer: number }
  | { readonly kind: 'speak'; readonly round: number }
  | { readonly kind: 'look'; readonly round: number; readonly phase: 'all' | 'left' }
  | { readonly kind: 'clock'; readonly aheadMs: number }
  /** The share of the rate at which messages are sent from now on: the machine carries no more. */
  | { readonly kind: 'pace'; readonly share: number }
  /** Sends nothing more. */
  | { readonly kind: 'hush' }
  | { readonly kind: 'end' }

export type Report =
  | { readonly kind: 'begun'; readonly ids: Readonly<Record<string, string>> }
  | { readonly kind: 'spoke'; readonly round: number }
  | { readonly kind: 'looked'; readonly round: number; readonly phase: 'all' | 'left' }
  /** Totals of this process since its start, twice a second. */
  | {
      readonly kind: 'count'
      readonly sent: number
      readonly pending: number
      readonly received: number
      readonly away: number
    }
  | { readonly kind: 'failed'; readonly detail: string }
