/** What goes into and comes out of a `CheckpointMachine`, beside datagrams: plain data. */
import type { FleetKeys } from '../../crypto/fleet.ts'
import type { TicketKeys } from '../../crypto/ticket.ts'
import type { DirectoryReply, DirectoryRequest, FleetItem } from '../../directory.ts'
import type { Push } from '../../push.ts'
import type { CheckpointCounters } from './counters.ts'

export type CheckpointInput =
  /** To the `ask` with the same id. One that never comes counts as failed after ten seconds. */
  | { readonly kind: 'reply'; readonly id: number; readonly reply: DirectoryReply }
  | { readonly kind: 'push'; readonly push: Push }
  /** Pushes do not arrive from now on. So it is at the beginning. */
  | { readonly kind: 'pushesLost' }
  /** Pushes arrive from now on. Some may have been lost: what they would have told is read again. */
  | { readonly kind: 'pushesBack' }
  /** The tables took this node for dead and its peers for gone. They are signed in again. */
  | { readonly kind: 'leaseLost' }
  /** The whole fleet as it is now. */
  | { readonly kind: 'fleet'; readonly nodes: readonly FleetItem[] }
  | { readonly kind: 'ticketKeys'; readonly keys: TicketKeys }
  /** Newest first. */
  | { readonly kind: 'fleetKeys'; readonly keys: FleetKeys }
  /** No session is taken any more, and those that are here are asked to go; `drained` follows. */
  | { readonly kind: 'drain' }

export type CheckpointEffect =
  | { readonly kind: 'ask'; readonly id: number; readonly request: DirectoryRequest }
  /** Every METRICS_MS: counters since the start, and how it is now. */
  | {
      readonly kind: 'metrics'
      readonly counters: Readonly<CheckpointCounters>
      readonly sessions: number
      /** 0 (idle) to 1 (full). */
      readonly load: number
    }
  /** A node or a service was looked for that the fleet as it is known has not: it may have changed. */
  | { readonly kind: 'lookForNodes' }
  | { readonly kind: 'drained' }
