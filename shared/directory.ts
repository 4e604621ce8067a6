/**
 * What a node asks of the tables, as values: a machine in `core` emits a request, whoever drives it answers with the
 * reply. `store` answers from DynamoDB, the simulated world from memory; one contract suite (test/contract) runs
 * against both.
 */
import type { NetworkId, NodeId, PeerId, UserId } from './ids.ts'
import type { Paths } from './paths.ts'
import type { PresenceItem, PresenceRecord, Status } from './presence.ts'

/** A message kept for a peer that is not there. `entry` orders a mailbox by arrival and names the item. */
export interface StoredMessage {
  readonly entry: string
  readonly from: PeerId
  /** Sender epoch, sequence and predecessor: see shared/wire/README.md, MESSAGE. */
  readonly epoch: number
  readonly sequence: number
  readonly previous: number
  readonly body: Uint8Array
  readonly sentAt: number
}

/** What others need to know to reach a peer and to decide whether they may. */
export interface Located {
  readonly peer: PeerId
  readonly user: UserId
  /** Absent when the peer is signed in nowhere. */
  readonly node?: NodeId
  readonly since: number
  readonly status: Status
  readonly networks: readonly NetworkId[]
}

/** What a peer's user may now, which a ticket made within the last hour may not know. */
export interface Standing {
  readonly networks: readonly NetworkId[]
  readonly blocks: readonly (PeerId | UserId)[]
}

export type DirectoryRequest =
  /**
   * Take the peer over: refused when it is `revoked`, and (`stale`) when the table holds a newer session. Tells where it was
   * before, and the standing of a user that is known, whose networks are then those of the item.
   */
  | { readonly kind: 'signIn'; readonly item: PresenceItem & { readonly node: NodeId } }
  /** A transition of a signed-in peer: ignored when the table holds another session of it. */
  | { readonly kind: 'update'; readonly item: PresenceItem & { readonly node: NodeId } }
  /** Ignored when the peer has signed in elsewhere since. */
  | {
      readonly kind: 'signOut'
      readonly peer: PeerId
      readonly node: NodeId
      readonly since: number
      readonly lastSeenAt: number
    }
  /** Presence item; for a peer that never signed in, made from Peers and Memberships. */
  | { readonly kind: 'locate'; readonly peer: PeerId }
  /** Peers of the asker's networks that match a SCIM filter, permanent and live attributes alike. */
  | {
      readonly kind: 'find'
      readonly asker: PeerId
      readonly networks: readonly NetworkId[]
      readonly filter: string
      readonly limit: number
    }
  | {
      readonly kind: 'storeMail'
      readonly peer: PeerId
      readonly message: Omit<StoredMessage, 'entry'>
      readonly now: number
    }
  | { readonly kind: 'readMail'; readonly peer: PeerId; readonly after?: string; readonly limit: number }
  | { readonly kind: 'discardMail'; readonly peer: PeerId; readonly entries: readonly string[] }
  /** This node has, or has no longer, members of the network online. */
  | { readonly kind: 'joinNetwork'; readonly network: NetworkId; readonly node: NodeId }
  | { readonly kind: 'leaveNetwork'; readonly network: NetworkId; readonly node: NodeId }

/** `failed` answers any request: the tables were not reachable or refused; the machine decides what to do. */
export type DirectoryReply =
  /** The table holds a session with this `since`. */
  | { readonly kind: 'signIn'; readonly outcome: 'stale'; readonly since: number }
  | {
      readonly kind: 'signIn'
      readonly outcome: 'taken' | 'revoked'
      readonly previousNode?: NodeId
      readonly standing?: Standing
    }
  | { readonly kind: 'update' }
  | { readonly kind: 'signOut' }
  | { readonly kind: 'locate'; readonly located?: Located }
  | {
      readonly kind: 'find'
      readonly found: readonly PresenceRecord[]
      readonly more: boolean
      readonly invalid?: string
    }
  | { readonly kind: 'storeMail'; readonly outcome: 'stored' | 'full' }
  | { readonly kind: 'readMail'; readonly messages: readonly StoredMessage[]; readonly more: boolean }
  | { readonly kind: 'discardMail' }
  /** What tunnels between members of the network may use. */
  | { readonly kind: 'joinNetwork'; readonly paths: Paths }
  | { readonly kind: 'leaveNetwork' }
  | { readonly kind: 'failed'; readonly detail: string }

/** The same, as an interface: what `store` implements. Never rejects: a failure is a reply. */
export interface Directory {
  ask(request: DirectoryRequest): Promise<DirectoryReply>
}

/** A TCP port that speaks TLS, and the key by which it is known: SHA-256 of its SubjectPublicKeyInfo, base32. */
export interface TlsEndpoint {
  readonly port: number
  readonly pin: string
}

/** A node's lease in `Fleet`. Addresses as `ip:port` or `[ip]:port`; keys as base32 of 32 bytes. */
export interface FleetItem {
  readonly node: NodeId
  readonly roles: readonly ('checkpoint' | 'handshake' | 'stun' | 'relay')[]
  /** Noise static public key (X25519) of the node. */
  readonly publicKey: string
  readonly addresses: {
    readonly checkpoint?: readonly string[]
    readonly handshake?: readonly string[]
    /** Primary address and port, and the alternate port on the same address. */
    readonly stun?: readonly string[]
    readonly relay?: readonly string[]
  }
  /** Of a relay: where peers without UDP come, by the IP of its address. */
  readonly relayTls?: TlsEndpoint
  /** Of AWS, where it stands; absent where all stand in one place. */
  readonly region?: string
  /** 0 (idle) to 1 (full). */
  readonly load: number
  readonly draining: boolean
  readonly startedAt: number
  readonly expiresAtSeconds: number
}
