/**
 * Every limit of the system, once. Doors enforce these, the documentation quotes them, tests push against them.
 * Sizes in bytes of UTF-8, durations in milliseconds.
 */
export const LIMITS = {
  /** A datagram never exceeds this, so it crosses every IPv6 path (1,280) with room for tunnels in between. */
  datagramBytes: 1200,
  /** Between nodes, whose links carry 1,500 bytes: a forwarded message of the greatest size. */
  nodeDatagramBytes: 1280,
  /** Instant message body, before it is sealed. Anything larger belongs in a tunnel. */
  messageBytes: 1024,
  /** Live metadata of a peer, as JSON. */
  metadataBytes: 512,
  /** Custom status text. */
  customStatusBytes: 128,
  /** Intent of an offer, and the reason of a refusal. */
  intentBytes: 255,
  reasonBytes: 128,
  /** A search filter, as text. */
  filterBytes: 512,
  /** Streams of one tunnel that each side may have open or opening at the same time; `createStream` then rejects with `too-large`. */
  streams: 1024,
  /** Networks one user may be in. */
  networksPerUser: 1000,
  /** Peers and users one user may block. */
  blocksPerUser: 10_000,
  /** Of one session at its node: messages count once, offers twice, searches five times. An SDK keeps what exceeds it waiting. */
  requestsPerSecond: 50,
  requestsBurst: 250,
  /** Searches of one session that are answered at the same time. */
  findsAtOnce: 8,
  /**
   * Messages waiting for an offline peer. Those of one user are at most as many as there are free places: a newer one is refused
   * with `mailbox-full`.
   */
  mailboxMessages: 1000,
  mailboxMs: 30 * 24 * 3600_000,
  /** Permanent metadata of a user, network or peer, as JSON. */
  attributesBytes: 16 * 1024,
  /** An application object, as JSON. */
  objectBytes: 128 * 1024,
  /** Attributes an application may declare as searchable, per collection. */
  searchableAttributes: 16,
  /** Results of one page of a listing or search. */
  pageSize: 100,
  /** JSON of one page; one result more may exceed it. */
  pageBytes: 1024 * 1024,
  /** What a page of a search costs at most, in read units of DynamoDB: a page ends early instead. */
  searchReadUnits: 200,
  ticketMs: 24 * 3600_000,
  inviteMs: 7 * 24 * 3600_000,
} as const
