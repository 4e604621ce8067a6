/**
 * Seals the messages of a peer and opens those that it receives, so that no node and no table can read them (wire
 * README, MESSAGE). Sender, recipient, number and time are authenticated too, so a message cannot be passed off as
 * another one.
 */
import { type Identity, staticPublicOf } from '../../crypto/identity.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import { openMessage, sealMessage } from '../../crypto/sealed-message.ts'
import { type PeerId, publicKeyOf } from '../../ids.ts'
import {
  decodeSealedBody,
  encodeSealedBody,
  IDENTITY_KEY,
  type Message,
  messagePrologue,
} from '../../wire/messages.ts'

/** Public keys of other peers that are cached in converted form; the oldest is evicted first. */
const MAX_KEPT = 10_000

/** A message with its number. `peer` is the recipient when it is sealed, and the sender when it is opened. */
export type NumberedMessage = Pick<Message, 'peer' | 'epoch' | 'sequence' | 'sentAt' | 'body'>

export class MessageSeals {
  readonly #identity: Identity
  readonly #self: StaticKeys
  readonly #random: Random
  readonly #publics = new Map<PeerId, Uint8Array>()

  constructor(identity: Identity, random: Random) {
    this.#identity = identity
    this.#self = { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
    this.#random = random
  }

  /** False if the peer id contains no valid key, so that nothing can be sealed for it. */
  canSealFor(peer: PeerId): boolean {
    return this.#publicOf(peer) !== undefined
  }

  /** The sealed body of a message to `message.peer`. Call it only if `canSealFor` is true. */
  seal(message: NumberedMessage): Uint8Array {
    const sealed = sealMessage({
      prologue: messagePrologue(this.#identity.peer, message.peer, message, IDENTITY_KEY),
      sender: this.#self,
      recipientPublic: this.#publicOf(message.peer)!,
      ephemeralSeed: this.#random.bytes(32),
      plaintext: message.body,
    })
    if (sealed === undefined) throw new RangeError(`no key to agree with: ${message.peer}`)
    return encodeSealedBody({ key: IDENTITY_KEY, sealed })
  }

  /** The body of a message from `message.peer`; undefined if that peer did not seal it for us as this message. */
  open(message: NumberedMessage): Uint8Array | undefined {
    const { peer } = message
    const body = decodeSealedBody(message.body)
    const senderPublic = this.#publicOf(peer)
    if (body?.key !== IDENTITY_KEY || senderPublic === undefined) return undefined
    return openMessage({
      prologue: messagePrologue(peer, this.#identity.peer, message, body.key),
      senderPublic,
      recipient: this.#self,
      sealed: body.sealed,
    })
  }

  #publicOf(peer: PeerId): Uint8Array | undefined {
    const kept = this.#publics.get(peer)
    if (kept !== undefined) return kept
    const found = staticPublicOf(publicKeyOf(peer))
    if (found === undefined) return undefined
    this.#publics.set(peer, found)
    if (this.#publics.size > MAX_KEPT) this.#publics.delete(this.#publics.keys().next().value!)
    return found
  }
}
