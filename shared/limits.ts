/**
 * Every limit of the system. The services enforce these, the documentation quotes them, and tests try to exceed them.
 * Sizes are in bytes of UTF-8, durations in milliseconds.
 */
export const LIMITS = {
  /** Largest datagram. It crosses every IPv6 path (1,280 bytes) with room for the headers of tunnels in between. */
  datagramBytes: 1200,
  /** Largest datagram between nodes, whose links carry 1,500 bytes. It holds a forwarded message of the largest size. */
  nodeDatagramBytes: 1280,
  /** Body of an instant message before it is sealed. Anything larger belongs in a tunnel. */
  messageBytes: 1024,
  /** Live metadata of a peer, as JSON. */
  metadataBytes: 512,
  /** Custom status text. */
  customStatusBytes: 128,
  /** Intent of an offer, and reason of a refusal. */
  intentBytes: 255,
  reasonBytes: 128,
  /** A search filter, as text. */
  filterBytes: 512,
  /** Streams of one tunnel that each side may have open or opening. Beyond it, `createStream` rejects with `too-large`. */
  streams: 1024,
  /** Networks one user may be in. */
  networksPerUser: 1000,
  /** Peers and users one user may block. */
  blocksPerUser: 10_000,
  /** Request rate of one session at its node. A message costs 1, an offer 2, a search 5. The SDK queues what exceeds it. */
  requestsPerSecond: 50,
  requestsBurst: 250,
  /** Searches of one session that may run at the same time. */
  findsAtOnce: 8,
  /**
   * Messages waiting for an offline peer. One sending user may fill at most as many places as are still free; a further
   * message of that user is refused with `mailbox-full`.
   */
  mailboxMessages: 1000,
  mailboxMs: 30 * 24 * 3600_000,
  /** Permanent metadata of a user, network or peer, as JSON. */
  attributesBytes: 16 * 1024,
  /** An application object, as JSON. */
  objectBytes: 128 * 1024,
  /** Objects of one batch. A transaction of DynamoDB has 100 parts, and the conditions of a request are up to ten of them. */
  batchReads: 100,
  batchWrites: 90,
  /** Body of a batch of writes. */
  batchBytes: 2 * 1024 * 1024,
  /** Attributes an application may declare as searchable, per collection. */
  searchableAttributes: 16,
  /** Results of one page of a listing or search. */
  pageSize: 100,
  /** JSON of one page. A page ends before it would exceed this, unless it has a single result. */
  pageBytes: 1024 * 1024,
  /** Maximum cost of one page of a search, in DynamoDB read units. A page that would cost more ends early. */
  searchReadUnits: 200,
  /** Age of a ticket at which INDEX no longer accepts it as a credential of requests. */
  ticketMs: 24 * 3600_000,
  /**
   * Age of a ticket at which nodes no longer accept it. A node also needs the peer's key, and reads the peer's standing. It is
   * shorter than the time for which the last key is still accepted, which is seven days at least.
   */
  signInTicketMs: 6 * 24 * 3600_000,
  inviteMs: 7 * 24 * 3600_000,
  /** Webhooks of a deployment. */
  webhooks: 20,
  /** How long records of the audit trail are kept. */
  auditMs: 365 * 24 * 3600_000,
} as const
