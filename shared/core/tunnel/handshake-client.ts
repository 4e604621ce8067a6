/**
 * The peer's side of HANDSHAKE: joins from the tunnel's own socket, then keeps a session with the node.
 *
 *   joining   sends JOIN every 250 ms, to the next address of the node after a second. After 5 s the node counts as
 *             unreachable, and JOIN is sent every second
 *   joined    sends PROFILE immediately (which proves the source address to the node) and whenever it changes; receives
 *             RELAYED, STEP and OUTCOME. Without STEP or OUTCOME for 3 s the other side counts as missing
 *   idle      before the first JOIN, and from 5 s after OUTCOME
 *
 * Each call of `join` starts a new session with new keys.
 */
import { openBox, sealBox } from '../../crypto/box.ts'
import { Channel } from '../../crypto/channel.ts'
import { handshakeKeys } from '../../crypto/grant.ts'
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import { type Address, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeJoined,
  decodeJoinedBody,
  decodeOutcome,
  decodeRelayed,
  decodeStep,
  encodeJoin,
  encodeJoinBody,
  encodeProfile,
  encodeResult,
  NONCE_BYTES,
  type Outcome,
  RANDOM_BYTES,
  type Relayed,
  type Result,
  type Step,
} from '../../wire/handshake.ts'
import { FRAME, KIND } from '../../wire/numbers.ts'
import type { Direction } from '../../wire/offers.ts'
import type { Profile } from '../../wire/profile.ts'
import { indexAt } from '../../wire/session.ts'
import { type FrameSink, Session } from '../session/session.ts'

const REPEAT_MS = 250
const SLOW_REPEAT_MS = 1000
/** JOINs sent to one address before the next address is tried. */
const TRIES_PER_ADDRESS = 4
const UNREACHABLE_MS = 5000
/** The HANDSHAKE waits for evidence at most 1.5 s, so after a longer silence the other side has not joined. */
const ALONE_MS = 3000
const LINGER_MS = 5000
const never = Number.POSITIVE_INFINITY

export type ClientEvent =
  | { readonly kind: 'observed'; readonly server: Address; readonly observed: Address }
  | { readonly kind: 'relayed'; readonly relayed: Relayed }
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'unreachable' }
  /** The other side has not joined. */
  | { readonly kind: 'alone' }
  /** The other side has closed the tunnel. */
  | { readonly kind: 'closed' }

/** Orders of the HANDSHAKE, and events of the session with it. */
export type Order = Exclude<ClientEvent, { kind: 'observed' }>

interface Joining {
  readonly kind: 'joining'
  readonly direction: Direction
  readonly random: Uint8Array
  readonly since: number
  /** The profile in the first JOIN; later JOINs repeat the encoded datagram. */
  profile: Profile
  datagram: Uint8Array | undefined
  tries: number
  dueAt: number
  unreachable: boolean
}

interface JoinedState {
  readonly kind: 'joined'
  readonly session: Session
  aloneAt: number
  endAt: number
}

export class HandshakeClient implements FrameSink {
  readonly #random: Random
  readonly #socket: number
  #state: Joining | JoinedState | { readonly kind: 'idle' } = { kind: 'idle' }
  #index = 0
  #profile: Uint8Array = new Uint8Array(0)
  /** The current profile was sent in this session. */
  #said = false
  #events: ClientEvent[] = []
  #now = 0

  constructor(random: Random, socket: number) {
    this.#random = random
    this.#socket = socket
  }

  get state(): 'idle' | 'joining' | 'joined' {
    return this.#state.kind
  }

  /** Starts joining; the first JOIN is sent at `at`. */
  join(direction: Direction, profile: Profile, at: number): void {
    if (direction.handshake.length === 0) return
    const random = this.#random.bytes(RANDOM_BYTES)
    this.#index = this.#random.u32()
    const state = { kind: 'joining', direction, random, since: at, profile, datagram: undefined } as const
    this.#state = { ...state, tries: 0, dueAt: at, unreachable: false }
  }

  /** Sets the profile of this side, which is sent if it differs from the last one. */
  update(profile: Profile): void {
    if (this.#state.kind === 'joining' && this.#state.datagram === undefined) this.#state.profile = profile
    const encoded = encodeProfile(profile)
    if (sameBytes(encoded, this.#profile)) return
    this.#profile = encoded
    this.#said = false
  }

  /** Sends the result of a step, after the current profile. */
  report(result: Result): void {
    if (this.#state.kind !== 'joined') return
    this.#sayProfile(this.#state)
    this.#state.session.send(FRAME.RESULT, encodeResult(result))
  }

  /** False if the datagram is not for this session. */
  take(arrived: Batch, i: number, now: number): boolean {
    this.#now = now
    const start = arrived.start(i)
    if (arrived.length[i]! < 6 || indexAt(arrived.bytes, start) !== this.#index) return false
    const kind = arrived.bytes[start + 1]
    if (kind === KIND.JOINED && this.#state.kind === 'joining')
      return this.#onJoined(this.#state, arrived, i, now)
    if (kind !== KIND.SEALED || this.#state.kind !== 'joined') return false
    return this.#state.session.receive(arrived, i, now, this)
  }

  frame(_session: Session, type: number, body: Uint8Array): void {
    const event = eventOf(type, body)
    if (event === undefined || this.#state.kind !== 'joined') return
    this.#events.push(event)
    if (event.kind !== 'relayed') this.#state.aloneAt = never
    this.#state.endAt = event.kind === 'outcome' ? this.#now + LINGER_MS : never
  }

  /** Sends what is due and what was queued. */
  tick(out: Batch, now: number): void {
    const state = this.#state
    if (state.kind === 'joining' && now >= state.dueAt) this.#sendJoin(state, out, now)
    if (state.kind === 'joined') this.#tickJoined(state, out, now)
  }

  deadline(): number {
    const state = this.#state
    if (state.kind === 'joining') return state.dueAt
    if (state.kind === 'joined') return Math.min(state.session.deadline(), state.aloneAt, state.endAt)
    return never
  }

  event(): ClientEvent | undefined {
    return this.#events.shift()
  }

  /**
   * Leaves the session. `closed`: the tunnel is over, which tells the other side even if there is no path between the
   * two.
   */
  leave(reason: 'leaving' | 'closed', out: Batch, now: number): void {
    if (this.#state.kind === 'joined') {
      this.#state.session.goodbye(reason)
      this.#state.session.flush(out, now)
    }
    this.#state = { kind: 'idle' }
  }

  #sayProfile({ session }: JoinedState): void {
    if (!this.#said) session.send(FRAME.PROFILE, this.#profile)
    this.#said = true
  }

  #sendJoin(state: Joining, out: Batch, now: number): void {
    const { handshake } = state.direction
    const address = handshake[Math.floor(state.tries / TRIES_PER_ADDRESS) % handshake.length]!
    state.datagram ??= this.#encodeJoin(state)
    out.push(state.datagram, address.words, 0, this.#socket)
    state.tries++
    state.dueAt = now + (state.unreachable ? SLOW_REPEAT_MS : REPEAT_MS)
    if (state.unreachable || now - state.since < UNREACHABLE_MS) return
    state.unreachable = true
    this.#events.push({ kind: 'unreachable' })
  }

  #encodeJoin({ direction, random, profile }: Joining): Uint8Array {
    this.#profile = encodeProfile(profile)
    const nonce = this.#random.bytes(NONCE_BYTES)
    const sealed = sealBox(direction.key, nonce, encodeJoinBody({ random, profile }))
    return encodeJoin({ index: this.#index, grant: direction.grant, nonce, sealed })
  }

  #tickJoined(state: JoinedState, out: Batch, now: number): void {
    if (now >= state.aloneAt) {
      this.#events.push({ kind: 'alone' })
      state.aloneAt = now + ALONE_MS
    }
    this.#sayProfile(state)
    if (now >= state.endAt) this.leave('leaving', out, now)
    else state.session.flush(out, now)
    if (state.session.state === 'dead' || state.session.state === 'left') this.#onLost(state)
  }

  /** A session that ends before OUTCOME, or falls silent, counts as an unreachable HANDSHAKE. */
  #onLost(state: JoinedState): void {
    if (state.session.reason === 'closed') this.#events.push({ kind: 'closed' })
    else if (state.endAt === never) this.#events.push({ kind: 'unreachable' })
    this.#state = { kind: 'idle' }
  }

  #onJoined(state: Joining, arrived: Batch, i: number, now: number): boolean {
    const server = state.direction.handshake.find(({ words }) =>
      sameAddress(words, 0, arrived.address, i * 5),
    )
    const joined = decodeJoined(arrived.at(i))
    const plaintext = joined && openBox(state.direction.key, joined.nonce, joined.sealed)
    const body = plaintext && decodeJoinedBody(plaintext)
    if (server === undefined || joined === undefined || body === undefined) return false
    // Our own JOIN, sent back to us, would decrypt as well.
    if (sameBytes(body.random, state.random)) return false
    const { up, down } = handshakeKeys(state.direction.key, state.random, body.random)
    const session = new Session({
      index: this.#index,
      remoteIndex: joined.nodeIndex,
      channel: new Channel({ send: up, receive: down }),
      address: server.words,
      socket: this.#socket,
      renews: this.#random,
      now,
    })
    this.#said = false
    this.#state = { kind: 'joined', session, aloneAt: now + ALONE_MS, endAt: never }
    this.#events.push({ kind: 'observed', server, observed: body.observed })
    return true
  }
}

function eventOf(type: number, body: Uint8Array): ClientEvent | undefined {
  if (type === FRAME.RELAYED) {
    const relayed = decodeRelayed(body)
    return relayed && { kind: 'relayed', relayed }
  }
  if (type === FRAME.STEP) {
    const step = decodeStep(body)
    return step && { kind: 'step', step }
  }
  if (type !== FRAME.OUTCOME) return undefined
  const outcome = decodeOutcome(body)
  return outcome && { kind: 'outcome', outcome }
}
