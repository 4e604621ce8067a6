import { checkChoice, checkFlag, checkText, taken } from '../arguments.ts'
import type { EndpointEffect } from '../core/peer/events.ts'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { Paths } from '../paths.ts'

const PATHS: readonly Paths[] = ['auto', 'direct-only', 'relay-only']

export type HeardOffer = Extract<EndpointEffect, { kind: 'offer' }>

/** Options of `Offer.accept`. */
export interface AcceptOptions {
  /** True if datagrams are authenticated but not encrypted. Applies only if the other side asked for it too. Default: false. */
  readonly clear?: boolean
  /** Paths that this side accepts; the stricter wish of the two sides applies. Default: `auto`. */
  readonly paths?: Paths
}

/** Checks the terms of an offer. Throws `bad-request`. */
export function checkTerms({ clear, paths }: AcceptOptions): void {
  checkFlag(clear, 'clear')
  checkChoice(paths, 'paths', PATHS)
}

/** Operations of the receiving peer that carry out the decision. */
export interface OfferDecision<Socket> {
  accept(options: AcceptOptions): Promise<Socket>
  refuse(reason: string): void
}

/** A request of another peer for a tunnel. Accept or refuse it once, within 30 s. */
export class Offer<Socket> {
  /** The peer that wants the tunnel. */
  readonly from: PeerId
  /** The user that `from` belongs to. Undefined if INDEX did not tell. */
  readonly user: UserId | undefined
  /** Purpose of the tunnel in the words of the other application; at most LIMITS.intentBytes. */
  readonly intent: string
  /** Terms that the other side asked for. */
  readonly terms: { readonly clear: boolean; readonly paths: Paths }
  readonly #decision: OfferDecision<Socket>
  #decided = false

  /** Internal: applications get offers from the `offer` event. */
  constructor(
    { from, intent, terms }: HeardOffer,
    user: UserId | undefined,
    decision: OfferDecision<Socket>,
  ) {
    this.from = from
    this.user = user
    this.intent = intent
    this.terms = terms
    this.#decision = decision
  }

  /** True if the offer was accepted, refused or withdrawn, or has timed out. */
  get decided(): boolean {
    return this.#decided
  }

  /**
   * Accepts the offer. Resolves when data can flow, over a relay at first. Rejects with:
   *
   * - `conflict`: the offer has been decided already, or timed out
   * - `refused`: the two sides want paths that exclude each other
   * - `timeout`: no path opened within 60 s
   * - `closed`: either side closed first
   * - `bad-request`: an invalid argument; the offer stays undecided
   */
  async accept(options: AcceptOptions = {}): Promise<Socket> {
    const terms = taken(options)
    checkTerms(terms)
    this.#decide()
    return this.#decision.accept(terms)
  }

  /**
   * Refuses the offer. `reason` is sent to the other side and has at most LIMITS.reasonBytes. Throws `conflict` if the
   * offer has been decided already, and `bad-request` or `too-large` for an invalid argument; the offer then stays
   * undecided.
   */
  refuse(reason = ''): void {
    checkText(reason, 'reason', LIMITS.reasonBytes)
    this.#decide()
    this.#decision.refuse(reason)
  }

  /** Internal: marks the offer as decided, because it timed out or was withdrawn. */
  lapse(): void {
    this.#decided = true
  }

  #decide(): void {
    if (this.#decided)
      throw new StraightwayError('conflict', 'This offer has been decided already, or was not in time.')
    this.#decided = true
  }
}
