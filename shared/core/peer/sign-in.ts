/**
 * One attempt to sign in at one address of a node (wire README, section 2). SIGN_IN is sent, retransmitted after 0.25
 * and 0.75 s, and given up a second later: a node that is gone costs 1.75 s. A COOKIE is returned immediately.
 */
import { Channel } from '../../crypto/channel.ts'
import type { Identity } from '../../crypto/identity.ts'
import { type Initiation, initiate, MESSAGE_1_OVERHEAD } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import { LIMITS } from '../../limits.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  COOKIE_BYTES,
  decodeCookie,
  decodeWelcome,
  decodeWelcomeDatagram,
  encodeSignIn,
  encodeSignInPayload,
  SIGN_IN_HEADER_BYTES,
  SIGN_IN_PROLOGUE,
  type Welcome,
} from '../../wire/sign-in.ts'
import { ACK_DELAY_MS } from '../session/incoming.ts'
import { Session } from '../session/session.ts'
import type { PeerNode } from './events.ts'

const WAITS_MS = [250, 500, 1000]
/** A full-sized datagram: a path that cannot carry it could not carry long messages either. */
const PAYLOAD_BYTES = LIMITS.datagramBytes - SIGN_IN_HEADER_BYTES - MESSAGE_1_OVERHEAD
/** Duration of an attempt at a node that does not answer. */
export const ATTEMPT_MS = WAITS_MS.reduce((sum, wait) => sum + wait)

export interface AttemptOptions {
  readonly identity: Identity
  readonly node: PeerNode
  readonly address: Address
  readonly index: number
  readonly ticket: Uint8Array
  /** Epoch milliseconds by the node's clock, as far as it is known; greater than that of any earlier attempt. */
  readonly sentAt: number
  readonly ephemeralSeed: Uint8Array
  /** Randomness for the session to renew its keys. Default: it does not. */
  readonly renews?: Random
}

export interface Welcomed {
  readonly welcome: Welcome
  readonly session: Session
}

export class SignInAttempt {
  readonly node: PeerNode
  readonly #address: Address
  readonly #index: number
  readonly #renews: Random | undefined
  readonly #initiation: Initiation | undefined
  #cookie = new Uint8Array(COOKIE_BYTES)
  #sent = 0
  #dueAt = 0

  constructor(options: AttemptOptions) {
    const { identity, node, address, index, ticket, sentAt, ephemeralSeed, renews } = options
    this.node = node
    this.#renews = renews
    this.#address = address
    this.#index = index
    this.#initiation = initiate({
      prologue: SIGN_IN_PROLOGUE,
      self: { publicKey: identity.staticPublic, secretKey: identity.staticSecret },
      remotePublic: node.publicKey,
      ephemeralSeed,
      payload: encodeSignInPayload({ sentAt, ticket }, PAYLOAD_BYTES),
    })
  }

  /** False when the attempt has failed. */
  tick(out: Batch, now: number): boolean {
    if (now < this.#dueAt) return true
    if (this.#initiation === undefined || this.#sent === WAITS_MS.length) return false
    this.#dueAt = now + WAITS_MS[this.#sent++]!
    this.#send(out)
    return true
  }

  deadline(): number {
    return this.#dueAt
  }

  /** Accepts only the first COOKIE: an attempt is repeated once, not forever. */
  takeCookie(bytes: Uint8Array, out: Batch): boolean {
    const answer = decodeCookie(bytes)
    const isFirst = this.#cookie.every((byte) => byte === 0)
    if (answer?.index !== this.#index || !isFirst) return false
    this.#cookie.set(answer.cookie)
    this.#send(out)
    return true
  }

  /** Undefined if the datagram is not the answer to this attempt. */
  takeWelcome(bytes: Uint8Array, now: number): Welcomed | undefined {
    const answer = decodeWelcomeDatagram(bytes)
    if (answer?.index !== this.#index) return undefined
    const completed = this.#initiation?.complete(answer.noise)
    const welcome = completed && decodeWelcome(completed.payload)
    if (completed === undefined || welcome === undefined) return undefined
    const session = new Session({
      index: this.#index,
      remoteIndex: answer.nodeIndex,
      channel: new Channel(completed.keys),
      address: this.#address.words.slice(),
      ackDelayMs: ACK_DELAY_MS,
      renews: this.#renews,
      now,
    })
    return { welcome, session }
  }

  #send(out: Batch): void {
    const { message } = this.#initiation!
    out.push(encodeSignIn({ index: this.#index, cookie: this.#cookie, noise: message }), this.#address.words)
  }
}
