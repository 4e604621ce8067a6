/** A peer that does only what a test tells it to, except for what a session does by itself. */
import { Session } from '../../../shared/core/session/session.ts'
import { Channel } from '../../../shared/crypto/channel.ts'
import type { Identity } from '../../../shared/crypto/identity.ts'
import { type Initiation, initiate } from '../../../shared/crypto/noise.ts'
import type { Metadata, PresenceRecord } from '../../../shared/presence.ts'
import { ADDRESS_WORDS, type Address, sameAddress } from '../../../shared/wire/address.ts'
import type { Batch } from '../../../shared/wire/batch.ts'
import {
  decodeMessage,
  decodeReceipt,
  encodeMessage,
  encodeReceipt,
  type Message,
  type Predecessor,
  type Receipt,
} from '../../../shared/wire/messages.ts'
import { FRAME, KIND } from '../../../shared/wire/numbers.ts'
import {
  type Answer,
  decodeAnswer,
  decodeOffer,
  decodeRejoin,
  type Offer,
  type Rejoin,
} from '../../../shared/wire/offers.ts'
import {
  type Change,
  decodeChange,
  decodeFound,
  decodeFoundEnd,
  decodePresence,
  encodeStatus,
  type FoundEnd,
  type OwnStatus,
} from '../../../shared/wire/presence.ts'
import { encodeU32, writeShort } from '../../../shared/wire/session.ts'
import {
  decodeCookie,
  decodeWelcome,
  decodeWelcomeDatagram,
  encodeSignIn,
  encodeSignInPayload,
  SIGN_IN_PROLOGUE,
  type Welcome,
} from '../../../shared/wire/sign-in.ts'

export interface ScriptedPeerOptions {
  readonly identity: Identity
  readonly ticket: string
  readonly address: Address
}

export class ScriptedPeer {
  readonly identity: Identity
  ticket: string
  address: Address
  session: Session | undefined
  welcome: Welcome | undefined
  /** True if messages are acknowledged as soon as they arrive. */
  acknowledges = true
  cookie: Uint8Array = new Uint8Array(16)
  /** The status in its first datagram on a session. */
  firstStatus: { readonly status: OwnStatus; readonly metadata: Metadata } = {
    status: 'online',
    metadata: {},
  }
  /** Adds further frames to its first datagram on a session. */
  firstWords: () => void = () => {}
  readonly messages: Message[] = []
  readonly receipts: Receipt[] = []
  readonly presences: PresenceRecord[] = []
  readonly changes: Change[] = []
  readonly found: PresenceRecord[] = []
  readonly foundEnds: FoundEnd[] = []
  readonly offers: Offer[] = []
  readonly answers: Answer[] = []
  readonly rejoins: Rejoin[] = []
  /** Number of times it was told that it may have missed news. */
  missed = 0
  /** True if the node has said that the directory knows of a session of this peer. */
  known = false
  /** Short datagrams received: kind and length. */
  readonly short: { readonly kind: number; readonly length: number }[] = []
  index = 0
  #initiation: Initiation | undefined
  #node: Address | undefined
  #version = 0

  constructor({ identity, ticket, address }: ScriptedPeerOptions) {
    this.identity = identity
    this.ticket = ticket
    this.address = address
  }

  get id() {
    return this.identity.peer
  }

  /** Makes a SIGN_IN datagram; `at` is the time on the peer's clock. */
  signIn(
    node: { readonly address: Address; readonly publicKey: Uint8Array },
    at: number,
    out: Batch,
  ): Uint8Array {
    const payload = encodeSignInPayload({ sentAt: at, ticket: Buffer.from(this.ticket) })
    const { staticPublic: publicKey, staticSecret: secretKey } = this.identity
    const ephemeralSeed = new Uint8Array(32).fill(++this.index)
    this.#initiation = initiate({
      ...{ prologue: SIGN_IN_PROLOGUE, self: { publicKey, secretKey }, remotePublic: node.publicKey },
      ...{ ephemeralSeed, payload },
    })!
    this.#node = node.address
    this.session = undefined
    this.welcome = undefined
    const noise = this.#initiation.message
    const datagram = encodeSignIn({ index: this.index, cookie: this.cookie, noise })
    out.push(datagram, node.address.words)
    return datagram
  }

  send(type: number, body: Uint8Array): void {
    this.session!.send(type, body)
  }

  status(status: OwnStatus, metadata = {}, custom = ''): void {
    this.send(FRAME.STATUS, encodeStatus({ version: ++this.#version, status, custom, metadata }))
  }

  say(
    to: ScriptedPeer,
    sequence: number,
    text: string,
    sentAt: number,
    { previous = sequence - 1, previousIsStored = false }: Partial<Predecessor> = {},
  ): void {
    const body = Buffer.from(text)
    const message = { peer: to.id, epoch: 1, sequence, previous, previousIsStored, sentAt, body }
    this.send(FRAME.MESSAGE, encodeMessage(message))
  }

  keepAlive(out: Batch, index = this.session!.remoteIndex): void {
    const slot = out.claim(this.#node!.words, 0, 0)
    writeShort(out.bytes, out.start(slot), KIND.KEEP_ALIVE, index)
    out.length[slot] = 6
  }

  receive(arrived: Batch, i: number, now: number): void {
    const bytes = arrived.at(i)
    if (!sameAddress(arrived.address, i * ADDRESS_WORDS, this.#node!.words, 0)) return
    if (bytes[1] === KIND.WELCOME) this.#welcomed(bytes, now)
    else if (bytes[1] === KIND.COOKIE) this.cookie = decodeCookie(bytes)!.cookie
    else if (bytes[1] === KIND.SEALED) this.session?.receive(arrived, i, now, this)
    else this.short.push({ kind: bytes[1]!, length: bytes.length })
  }

  /** The texts of the received messages, in order of arrival. */
  get texts(): string[] {
    return this.messages.map(({ body }) => Buffer.from(body).toString())
  }

  frame(_: Session, type: number, body: Uint8Array): void {
    if (type === FRAME.MESSAGE) this.#message(decodeMessage(body)!)
    if (type === FRAME.RECEIPT) this.receipts.push(decodeReceipt(body)!)
    if (type === FRAME.PRESENCE) this.presences.push(decodePresence(body)!)
    if (type === FRAME.CHANGE) this.changes.push(decodeChange(body)!)
    if (type === FRAME.FOUND) this.found.push(decodeFound(body)!.record)
    if (type === FRAME.FOUND_END) this.foundEnds.push(decodeFoundEnd(body)!)
    if (type === FRAME.OFFER) this.offers.push(decodeOffer(body)!)
    if (type === FRAME.ANSWER) this.answers.push(decodeAnswer(body)!)
    if (type === FRAME.MISSED) this.missed++
    if (type === FRAME.KNOWN) this.known = true
    if (type === FRAME.REJOIN) this.rejoins.push(decodeRejoin(body)!)
  }

  #message(message: Message): void {
    this.messages.push(message)
    if (!this.acknowledges) return
    const { peer, epoch, sequence } = message
    this.send(FRAME.RECEIPT, encodeReceipt({ peer, epoch, sequence, outcome: 'delivered' }))
  }

  #welcomed(bytes: Uint8Array, now: number): void {
    const { index, nodeIndex, noise } = decodeWelcomeDatagram(bytes)!
    const completed = index === this.index ? this.#initiation?.complete(noise) : undefined
    if (completed === undefined) return
    this.welcome = decodeWelcome(completed.payload)!
    if (this.welcome.status !== 'welcome') return
    const channel = new Channel(completed.keys)
    const address = this.#node!.words.slice()
    this.session = new Session({ index, remoteIndex: nodeIndex, channel, address, now })
    this.send(FRAME.PACE, encodeU32(25_000))
    this.status(this.firstStatus.status, this.firstStatus.metadata)
    this.firstWords()
  }
}
