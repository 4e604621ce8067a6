import type { NodeId } from '../../ids.ts'
import type { FrameReader } from '../../wire/frames.ts'
import {
  decodeForwardedAnswer,
  decodeForwardedMessage,
  decodeForwardedOffer,
  decodeForwardedReceipt,
  decodeForwardedRejoin,
  decodeMoved,
} from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import { given } from './given.ts'
import type { Messages } from './messages.ts'
import type { Offers } from './offers.ts'
import type { Residence } from './residence.ts'

/** Dispatches the frames of other nodes. */
export class NodeFrames {
  readonly #messages: Messages
  readonly #offers: Offers
  readonly #residence: Residence

  constructor(messages: Messages, offers: Offers, residence: Residence) {
    this.#messages = messages
    this.#offers = offers
    this.#residence = residence
  }

  /** Handles all frames of a datagram; false if the body of any frame could not be decoded. */
  take(from: NodeId, frames: FrameReader, now: number): boolean {
    let isSound = true
    while (frames.next()) isSound = this.#frame(from, frames.type, frames.body, now) && isSound
    return isSound
  }

  #frame(from: NodeId, type: number, body: Uint8Array, now: number): boolean {
    switch (type) {
      case FRAME.FORWARD_MESSAGE:
        return given(decodeForwardedMessage(body), (message) => this.#messages.arrive(from, message, now))
      case FRAME.FORWARD_RECEIPT:
        return given(decodeForwardedReceipt(body), (receipt) => this.#messages.acknowledged(receipt, now))
      case FRAME.FORWARD_OFFER:
        return given(decodeForwardedOffer(body), (offer) => this.#offers.arrive(from, offer, now))
      case FRAME.FORWARD_ANSWER:
        return given(decodeForwardedAnswer(body), (answer) => this.#offers.answered(answer, now))
      case FRAME.FORWARD_REJOIN:
        return given(decodeForwardedRejoin(body), (rejoin) => this.#offers.rejoined(from, rejoin, now))
      case FRAME.MOVED:
        return given(decodeMoved(body), (moved) => this.#residence.moved(moved, now))
      default:
        return true
    }
  }
}
