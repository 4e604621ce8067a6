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
  readonly previousIsStored: boolean
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
  /** Version of the user's blocks; 0 while it has never blocked anybody. */
  readonly blocks: number
  /** The user takes nothing from the peer that asked: to that one the peer is signed in nowhere. */
  readonly hidden: boolean
}

/** What a peer may do, as its user's. */
export interface Standing {
  readonly networks: readonly NetworkId[]
  /** Version of the user's blocks; 0 while it has never blocked anybody. */
  readonly blocks: number
}

/** A peer that asks for another, or writes to it. `user` is looked up where it is not known. */
export interface Asker {
  readonly peer: PeerId
  readonly user?: UserId
}

/** A peer that is signed in, and whose its ticket says it is. */
export interface Claimed extends Asker {
  readonly user: UserId
}

/** What a node tells of a peer when it signs in. The tables say its networks and blocks, and what others see. */
export type SigningIn = Omit<PresenceItem, 'networks' | 'blocks' | 'shown'> & { readonly node: NodeId }

/** Peers or networks in one request that reads many. */
export const MANY = 100

export type DirectoryRequest =
  /**
   * Take the peer over: refused when it is `revoked` (or not enrolled, or another user's), and (`stale`) when the table holds
   * a newer session. Tells where it was before, and its standing as it is after the item was written: of whatever changes
   * from then on the node is told.
   */
  | { readonly kind: 'signIn'; readonly item: SigningIn }
  /** What peers that are signed in may do now, in order; undefined for those that may not be signed in. At most MANY. */
  | { readonly kind: 'standings'; readonly peers: readonly Claimed[] }
  /** Whom a user takes nothing from. */
  | { readonly kind: 'blocks'; readonly user: UserId }
  /** What tunnels within each of the networks may use. At most MANY. */
  | { readonly kind: 'paths'; readonly networks: readonly NetworkId[] }
  /** A transition of a signed-in peer: ignored when the table holds another session of it. */
  | { readonly kind: 'update'; readonly item: Omit<PresenceItem, 'shown'> & { readonly node: NodeId } }
  /** Ignored when the peer has signed in elsewhere since. */
  | {
      readonly kind: 'signOut'
      readonly peer: PeerId
      readonly node: NodeId
      readonly since: number
      readonly lastSeenAt: number
    }
  /** Where a peer is, as `asker` may know it; for a peer that never signed in, made from Peers and Users. */
  | { readonly kind: 'locate'; readonly peer: PeerId; readonly asker: Asker }
  /** Peers of the networks that match a SCIM filter, permanent and live attributes alike, as the asker may see them. */
  | {
      readonly kind: 'find'
      readonly asker: Claimed
      readonly networks: readonly NetworkId[]
      readonly filter: string
      readonly limit: number
    }
  /**
   * For a peer of `user`. What comes of somebody whom that user blocks is answered as if it were stored, and is not. `sender`: the
   * user whose the message's sender is; looked up where it is not known.
   */
  | {
      readonly kind: 'storeMail'
      readonly peer: PeerId
      readonly user: UserId
      readonly sender?: UserId
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
      /** With `taken`. */
      readonly standing?: Standing
    }
  | { readonly kind: 'standings'; readonly standings: readonly (Standing | undefined)[] }
  | { readonly kind: 'blocks'; readonly version: number; readonly blocks: readonly (PeerId | UserId)[] }
  | { readonly kind: 'paths'; readonly paths: readonly Paths[] }
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
