/**
 * One attempt to sign in at one address of a node (wire README, section 2): SIGN_IN is repeated after 0.25, 0.5 and 1 s
 * and given up a second later, so a node that is gone costs 1.75 s. A COOKIE is sent back at once.
 */
import { Channel } from '../../crypto/channel.ts'
import type { Identity } from '../../crypto/identity.ts'
import { type Initiation, initiate, MESSAGE_1_OVERHEAD } from '../../crypto/noise.ts'
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
import { ACK_DELAY_MS, Session } from '../session/session.ts'
import type { PeerNode } from './events.ts'

const WAITS_MS = [250, 500, 1000]
/** A datagram of full size: a way that does not carry it would carry no long message either. */
const PAYLOAD_BYTES = LIMITS.datagramBytes - SIGN_IN_HEADER_BYTES - MESSAGE_1_OVERHEAD
/** What a node that is gone costs. */
export const ATTEMPT_MS = WAITS_MS.reduce((sum, wait) => sum + wait)

export interface AttemptOptions {
  readonly identity: Identity
  readonly node: PeerNode
  readonly address: Address
  readonly index: number
  readonly ticket: Uint8Array
  /** By the node's clock as far as it is known; greater than that of any attempt before. */
  readonly sentAt: number
  readonly ephemeralSeed: Uint8Array
}

export interface Welcomed {
  readonly welcome: Welcome
  readonly session: Session
}

export class SignInAttempt {
  readonly node: PeerNode
  readonly #address: Address
  readonly #index: number
  readonly #initiation: Initiation | undefined
  #cookie = new Uint8Array(COOKIE_BYTES)
  #sent = 0
  #dueAt = 0

  constructor({ identity, node, address, index, ticket, sentAt, ephemeralSeed }: AttemptOptions) {
    this.node = node
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

  /** False when it is time to give up. */
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

  /** Only the first one counts: an attempt asks once more, not for ever. */
  takeCookie(bytes: Uint8Array, out: Batch): boolean {
    const answer = decodeCookie(bytes)
    const isFirst = this.#cookie.every((byte) => byte === 0)
    if (answer?.index !== this.#index || !isFirst) return false
    this.#cookie.set(answer.cookie)
    this.#send(out)
    return true
  }

  /** Undefined where it is not the answer to this attempt. */
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
      now,
    })
    return { welcome, session }
  }

  #send(out: Batch): void {
    const { message } = this.#initiation!
    out.push(encodeSignIn({ index: this.#index, cookie: this.#cookie, noise: message }), this.#address.words)
  }
}
