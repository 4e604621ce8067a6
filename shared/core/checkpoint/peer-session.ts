import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import type { Metadata } from '../../presence.ts'
import type { StatusUpdate } from '../../wire/presence.ts'
import type { Session } from '../session/session.ts'
import { type Allowances, FULL } from './allowances.ts'
import type { Inflow } from './inflow.ts'
import type { Reading } from './standings.ts'

/**
 * The state of one peer that is signed in at this node. Its stages:
 *
 *   halfOpen   welcomed, but its address is not proven yet; nobody else is told of it
 *   joining    proven; being registered in the directory, which returns its standing. Frames of the peer are held meanwhile
 *   online     registered in the directory
 *   ended      over; the slot is freed with the next flush
 */
export interface PeerSession {
  readonly slot: number
  readonly session: Session
  readonly peer: PeerId
  readonly user: UserId
  /** The peer's own sign-in time. Of two sessions of a peer, the one with the greater `since` is valid (`since.ts`). */
  since: number
  stage: 'halfOpen' | 'joining' | 'online' | 'ended'
  /** Networks of its user, from its standing; empty until that is read. */
  networks: readonly NetworkId[]
  /** Version of its user's block list. */
  blocks: number
  /** Time at which its standing was read; undefined before that. */
  reading: Reading | undefined
  /** A standing read before this moment is out of date. */
  neededAt: number
  /** True if its standing is being read. */
  isAsking: boolean
  /** Callbacks that wait for its standing. */
  awaiting: ((now: number) => void)[] | undefined
  /** Frames that arrived while its standing was not known. */
  held: HeldFrame[] | undefined
  /** Time at which its ticket expires, on this machine's clock. */
  ticketEndsAt: number
  /** Keep-alive interval of the peer. */
  intervalMs: number
  status: KeptStatus
  allowances: Allowances
  /** The `since` last registered in the directory, by this session or the one before it. */
  announced: number | undefined
  /** True if a write of `status` to the directory is due. */
  toBeWritten: boolean
  /** True if a write is in progress. */
  writing: boolean
  /** True if news of others was lost and the peer has not been told so (MISSED). */
  missed: boolean
  /** Messages on their way to the peer; undefined if there are none and the mailbox is empty. */
  inflow: Inflow | undefined
  /** Number of searches in progress. */
  finds: number
  /** True if the session has to be flushed. */
  dirty: boolean
}

export type KeptStatus = Omit<StatusUpdate, 'prekey'>

export interface HeldFrame {
  readonly type: number
  readonly body: Uint8Array
}

type Known = Pick<PeerSession, 'peer' | 'user' | 'since' | 'ticketEndsAt' | 'intervalMs'>

const NO_NETWORKS: readonly NetworkId[] = []
const NO_METADATA: Metadata = Object.freeze({})
const FIRST_STATUS: KeptStatus = { version: 0, status: 'online', custom: '', metadata: NO_METADATA }
/** The status that nearly all peers sign in with. */
const USUAL_STATUS: KeptStatus = { ...FIRST_STATUS, version: 1 }

/** All fields are listed, without a spread, so that the object has room for all of them and needs no second one. */
export const newPeerSession = (slot: number, session: Session, known: Known): PeerSession => ({
  slot,
  session,
  peer: known.peer,
  user: known.user,
  since: known.since,
  ticketEndsAt: known.ticketEndsAt,
  intervalMs: known.intervalMs,
  stage: 'halfOpen',
  networks: NO_NETWORKS,
  blocks: 0,
  reading: undefined,
  neededAt: 0,
  isAsking: false,
  awaiting: undefined,
  held: undefined,
  status: FIRST_STATUS,
  allowances: FULL,
  announced: undefined,
  toBeWritten: false,
  writing: false,
  missed: false,
  inflow: undefined,
  finds: 0,
  dirty: false,
})

/** The parts of a status that a session keeps. The table keeps the prekey, and peers without metadata share theirs. */
export function keptStatus({ version, status, custom, metadata }: StatusUpdate): KeptStatus {
  const isEmpty = Object.keys(metadata).length === 0
  if (isEmpty && custom === '' && status === USUAL_STATUS.status && version === USUAL_STATUS.version)
    return USUAL_STATUS
  return { version, status, custom, metadata: isEmpty ? NO_METADATA : metadata }
}

/** The facts that decide who may reach whom: peers of one user may, and so may members of one network. */
export interface Related {
  readonly user: UserId
  readonly networks: readonly NetworkId[]
}

export function areRelated(a: Related, b: Related): boolean {
  return a.user === b.user || a.networks.some((network) => b.networks.includes(network))
}
