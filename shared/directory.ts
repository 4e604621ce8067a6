/**
 * The requests that a node makes to the tables, and their replies, as plain values. A machine in `core` emits a request, and
 * its driver answers with the reply. `store` answers from DynamoDB, the simulated world from memory; one contract suite
 * (test/contract) runs against both.
 */
import type { NetworkId, NodeId, PeerId, UserId } from './ids.ts'
import type { Paths } from './paths.ts'
import type { PresenceItem, PresenceRecord, Status } from './presence.ts'

/** A message in a peer's mailbox. `entry` names the item and orders the mailbox by arrival. */
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

/** The location of a peer, and the facts that decide whether the asker may reach it. */
export interface Located {
  readonly peer: PeerId
  readonly user: UserId
  /** Absent when the peer is signed in nowhere. */
  readonly node?: NodeId
  readonly since: number
  readonly status: Status
  readonly networks: readonly NetworkId[]
  /** Version of the user's block list; 0 if the user has never blocked anybody. */
  readonly blocks: number
  /** True if the user blocks the asker. To such an asker the peer appears to be signed in nowhere. */
  readonly hidden: boolean
  /** The prekey that the peer published last, if it has one (`wire/prekeys.ts`). */
  readonly prekey?: Uint8Array
}

/** The rights that a peer has through its user. */
export interface Standing {
  readonly networks: readonly NetworkId[]
  /** Version of the user's block list; 0 if the user has never blocked anybody. */
  readonly blocks: number
}

/** A peer that looks up another peer or sends to it. If `user` is absent, the tables look it up. */
export interface Asker {
  readonly peer: PeerId
  readonly user?: UserId
}

/** A peer that is signed in, and the user that its ticket names. */
export interface Claimed extends Asker {
  readonly user: UserId
}

/** A node's report that a peer signs in. The tables add its networks, its blocks and what others see (`shown`). */
export type SigningIn = Omit<PresenceItem, 'networks' | 'blocks' | 'shown'> & { readonly node: NodeId }

/** Maximum number of peers or networks in one request. */
export const MANY = 100

export type DirectoryRequest =
  /**
   * Registers the peer at this node. Refused as `revoked` if the peer is revoked, not enrolled or another user's, and as
   * `stale` if the table holds a newer session. The reply has the peer's previous node and its standing, read after the item
   * was written, so every later change is pushed to the node.
   */
  | { readonly kind: 'signIn'; readonly item: SigningIn }
  /** Reads the standings of signed-in peers, in the order given; undefined for a peer that may not be signed in. At most MANY. */
  | { readonly kind: 'standings'; readonly peers: readonly Claimed[] }
  /** Reads the block list of a user. */
  | { readonly kind: 'blocks'; readonly user: UserId }
  /** Reads the path policy of each network, in the order given. At most MANY. */
  | { readonly kind: 'paths'; readonly networks: readonly NetworkId[] }
  /** Writes a change of a signed-in peer. Ignored if the table holds another session of the peer. */
  | { readonly kind: 'update'; readonly item: Omit<PresenceItem, 'shown'> & { readonly node: NodeId } }
  /** Records that a session has ended. Ignored if the peer has signed in elsewhere since. */
  | {
      readonly kind: 'signOut'
      readonly peer: PeerId
      readonly node: NodeId
      readonly since: number
      readonly lastSeenAt: number
    }
  /** Locates a peer, as far as `asker` may know. For a peer that never signed in, the reply is made from Peers and Users. */
  | { readonly kind: 'locate'; readonly peer: PeerId; readonly asker: Asker }
  /** Finds the peers of the networks that match a SCIM filter on permanent and live attributes, as the asker may see them. */
  | {
      readonly kind: 'find'
      readonly asker: Claimed
      readonly networks: readonly NetworkId[]
      readonly filter: string
      readonly limit: number
    }
  /**
   * Stores a message for a peer of `user`. A message from somebody whom that user blocks is dropped, but answered as if it
   * were stored. `sender`: the user of the sending peer; if absent, the tables look it up.
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
  /**
   * Registers this node as having members of the networks online (`leaveNetworks`: as no longer having any). At most MANY,
   * all different.
   */
  | { readonly kind: 'joinNetworks'; readonly networks: readonly NetworkId[]; readonly node: NodeId }
  | { readonly kind: 'leaveNetworks'; readonly networks: readonly NetworkId[]; readonly node: NodeId }

/** A reply. `failed` answers any request that the tables refused or did not answer; the machine decides what to do. */
export type DirectoryReply =
  /** The table holds a newer session, whose `since` this is. */
  | { readonly kind: 'signIn'; readonly outcome: 'stale'; readonly since: number }
  | {
      readonly kind: 'signIn'
      readonly outcome: 'taken' | 'revoked'
      readonly previousNode?: NodeId
      /** Present if the outcome is `taken`. */
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
  /** The path policy of each network, in the order given, read after the node was registered. */
  | { readonly kind: 'joinNetworks'; readonly paths: readonly Paths[] }
  | { readonly kind: 'leaveNetworks' }
  | { readonly kind: 'failed'; readonly detail: string }

/** Answers directory requests; implemented by `store`. The promise never rejects: a failure is a reply. */
export interface Directory {
  ask(request: DirectoryRequest): Promise<DirectoryReply>
}

/** A TCP port that speaks TLS. `pin` identifies its key: SHA-256 of the SubjectPublicKeyInfo, base32. */
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
  /** Relays only: the TLS port for peers without UDP, at the IP of the relay's address. */
  readonly relayTls?: TlsEndpoint
  /** AWS region of the node; absent if the whole fleet is in one place. */
  readonly region?: string
  /** 0 (idle) to 1 (full). */
  readonly load: number
  readonly draining: boolean
  readonly startedAt: number
  readonly expiresAtSeconds: number
}
