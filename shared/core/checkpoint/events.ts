/** The inputs and effects of a `CheckpointMachine` other than datagrams, as plain data. */
import type { FleetKeys } from '../../crypto/fleet.ts'
import type { TicketKeys } from '../../crypto/ticket.ts'
import type { DirectoryReply, DirectoryRequest, FleetItem } from '../../directory.ts'
import type { Push } from '../../push.ts'
import type { CheckpointCounters } from './counters.ts'

export type CheckpointInput =
  /** The reply to the `ask` with the same id. A missing reply counts as failed after ten seconds. */
  | { readonly kind: 'reply'; readonly id: number; readonly reply: DirectoryReply }
  | { readonly kind: 'push'; readonly push: Push }
  /** Pushes do not arrive from now on. This is also the initial state. */
  | { readonly kind: 'pushesLost' }
  /** Pushes arrive from now on. Some may have been lost, so the machine reads again what they would have told. */
  | { readonly kind: 'pushesBack' }
  /** The lease of this node had expired, and the tables list its peers as offline. The machine signs them in again. */
  | { readonly kind: 'leaseLost' }
  /** The whole fleet as it is now. */
  | { readonly kind: 'fleet'; readonly nodes: readonly FleetItem[] }
  | { readonly kind: 'ticketKeys'; readonly keys: TicketKeys }
  /** Newest first. */
  | { readonly kind: 'fleetKeys'; readonly keys: FleetKeys }
  /** Refuse new sessions and ask the existing ones to move. The effect `drained` follows. */
  | { readonly kind: 'drain' }

export type CheckpointEffect =
  | { readonly kind: 'ask'; readonly id: number; readonly request: DirectoryRequest }
  /** Emitted every METRICS_MS: counters since the start, and the current sessions and load. */
  | {
      readonly kind: 'metrics'
      readonly counters: Readonly<CheckpointCounters>
      readonly sessions: number
      /** Load from 0 (idle) to 1 (full). */
      readonly load: number
    }
  /** A node or service was not found in the known fleet, which may have changed: read the fleet again. */
  | { readonly kind: 'lookForNodes' }
  | { readonly kind: 'drained' }
