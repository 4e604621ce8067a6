import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import { ADDRESS_WORDS, type Address } from '../../wire/address.ts'
import type { StatusUpdate } from '../../wire/presence.ts'
import type { Session } from '../session/session.ts'
import { type Allowances, fullAllowances } from './allowances.ts'
import type { Inflow } from './inflow.ts'
import type { Reading } from './standings.ts'

/**
 * What a node knows of one peer that is signed in here.
 *
 *   halfOpen   welcomed, but its address is not proven yet: nobody else hears of it
 *   joining    proven; the directory is being told, and tells what the peer may do. What the peer says meanwhile is held.
 *   online     the directory has it here
 *   ended      over; the slot is freed with the next flush
 */
export interface PeerSession {
  readonly slot: number
  readonly session: Session
  readonly peer: PeerId
  readonly user: UserId
  /** The peer's own time of signing in (`since.ts`): of two sessions the one with the greater `since` is the peer's. */
  since: number
  /** Where its WELCOME went, and arrived, once it is not half open any more. */
  readonly from: Address
  stage: 'halfOpen' | 'joining' | 'online' | 'ended'
  /** What its standing says; none before that is read. */
  networks: readonly NetworkId[]
  /** Version of its user's blocks. */
  blocks: number
  /** When its standing was read; undefined before that. */
  reading: Reading | undefined
  /** A standing read before this moment is out of date. */
  neededAt: number
  /** Its standing is being read, or is to be. */
  isAsking: boolean
  /** What waits for its standing. */
  awaiting: ((now: number) => void)[] | undefined
  /** What it said while its standing was not known. */
  held: HeldFrame[] | undefined
  /** By the time of this machine. */
  ticketEndsAt: number
  /** How often the peer says it will send a keep-alive. */
  intervalMs: number
  status: StatusUpdate
  allowances: Allowances
  /** The `since` with which the directory was told last that the peer is here, by this session or the one before it. */
  announced: number | undefined
  /** A write of `status` to the directory is due. */
  toBeWritten: boolean
  /** A write is under way. */
  writing: boolean
  /** News of others could not be told to it, and it does not know that yet. */
  missed: boolean
  /** Messages on their way to the peer; undefined when there are none and the mailbox is empty. */
  inflow: Inflow | undefined
  finds: number
  /** Something of it is to be flushed. */
  dirty: boolean
}

export interface HeldFrame {
  readonly type: number
  readonly body: Uint8Array
}

type Known = Pick<PeerSession, 'peer' | 'user' | 'since' | 'ticketEndsAt' | 'intervalMs'>

export const newPeerSession = (slot: number, session: Session, known: Known): PeerSession => ({
  slot,
  session,
  ...known,
  from: { words: session.address.slice(session.addressAt, session.addressAt + ADDRESS_WORDS) },
  stage: 'halfOpen',
  networks: [],
  blocks: 0,
  reading: undefined,
  neededAt: 0,
  isAsking: false,
  awaiting: undefined,
  held: undefined,
  status: { version: 0, status: 'online', custom: '', metadata: {} },
  allowances: fullAllowances(),
  announced: undefined,
  toBeWritten: false,
  writing: false,
  missed: false,
  inflow: undefined,
  finds: 0,
  dirty: false,
})

/** Who may reach whom: the devices of one user, and members of one network. */
export interface Related {
  readonly user: UserId
  readonly networks: readonly NetworkId[]
}

export function areRelated(a: Related, b: Related): boolean {
  return a.user === b.user || a.networks.some((network) => b.networks.includes(network))
}
