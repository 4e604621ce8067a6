/**
 * Seals the messages of a peer and opens those that it receives, so that no node and no table can read them (wire
 * README, MESSAGE). Sender, recipient, number and time are authenticated too, so a message cannot be passed off as
 * another one. `prekeys.ts` keeps our own keys, `recipient-keys.ts` those of others.
 */
import type { Identity } from '../../crypto/identity.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import { openMessage, sealMessage } from '../../crypto/sealed-message.ts'
import type { PeerId } from '../../ids.ts'
import { decodeSealedBody, encodeSealedBody, type Message, messagePrologue } from '../../wire/messages.ts'
import { type PrekeyMemory, Prekeys } from './prekeys.ts'
import { RecipientKeys } from './recipient-keys.ts'

/** A message with its number. `peer` is the recipient when it is sealed, and the sender when it is opened. */
export type NumberedMessage = Pick<Message, 'peer' | 'epoch' | 'sequence' | 'sentAt' | 'body'>

export interface Sealed {
  /** Number of the recipient's key that the body is sealed for. */
  readonly key: number
  readonly body: Uint8Array
}

/** The outcome of opening a message. `key`: number of the key that it is sealed for; undefined if it has none. */
export type Opened =
  | { readonly body: Uint8Array }
  | { readonly body: undefined; readonly key: number | undefined }

export class MessageSeals {
  /** The keys that others seal for. */
  readonly own: Prekeys
  /** The keys to seal for. */
  readonly others = new RecipientKeys()
  readonly #identity: Identity
  readonly #self: StaticKeys
  readonly #random: Random

  /** `prekeys`: as in `AffairsOptions`. */
  constructor(identity: Identity, random: Random, prekeys?: readonly PrekeyMemory[]) {
    this.#identity = identity
    this.#self = { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
    this.#random = random
    this.own = new Prekeys(identity, random.fork('prekeys'), prekeys)
  }

  /** False if the peer id contains no valid key, so that nothing can be sealed for it. */
  canSealFor(peer: PeerId): boolean {
    return this.others.identityOf(peer) !== undefined
  }

  /**
   * The sealed body of a message to `message.peer`; undefined while the key of the recipient is asked for. Call it only
   * if `canSealFor` is true.
   */
  seal(message: NumberedMessage, now: number, nodeNow: number): Sealed | undefined {
    const key = this.others.find(message.peer, now, nodeNow)
    if (key === undefined) return undefined
    const sealed = sealMessage({
      prologue: messagePrologue(this.#identity.peer, message.peer, message, key.number),
      sender: this.#self,
      recipientPublic: key.publicKey,
      ephemeralSeed: this.#random.bytes(32),
      plaintext: message.body,
    })
    if (sealed === undefined) throw new RangeError(`no key to agree with: ${message.peer}`)
    return { key: key.number, body: encodeSealedBody({ key: key.number, sealed }) }
  }

  /** Opens a message from `message.peer`. Without a body if that peer did not seal it for us as this message. */
  open(message: NumberedMessage): Opened {
    const sealed = decodeSealedBody(message.body)
    if (sealed === undefined) return { body: undefined, key: undefined }
    const recipient = this.own.find(sealed.key)
    if (recipient === undefined) this.own.missed()
    const senderPublic = this.others.identityOf(message.peer)
    const body =
      senderPublic &&
      recipient &&
      openMessage({
        prologue: messagePrologue(message.peer, this.#identity.peer, message, sealed.key),
        senderPublic,
        recipient,
        sealed: sealed.sealed,
      })
    return body === undefined ? { body, key: sealed.key } : { body }
  }
}
