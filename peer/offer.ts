import type { EndpointEffect } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId, UserId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { Paths } from '../shared/paths.ts'
import { checkChoice, checkFlag, checkText, taken } from './arguments.ts'
import type { PeerSocket } from './peer-socket.ts'

const PATHS: readonly Paths[] = ['auto', 'direct-only', 'relay-only']

export type HeardOffer = Extract<EndpointEffect, { kind: 'offer' }>

/** On which terms an offer is accepted. */
export interface AcceptOptions {
  /** Datagrams authenticated and not encrypted, if the other side asked for it too. */
  readonly clear?: boolean
  /** Which paths this side wants; the stricter of both wishes holds. */
  readonly paths?: Paths
}

/** Throws `bad-request`. */
export function checkTerms({ clear, paths }: AcceptOptions): void {
  checkFlag(clear, 'clear')
  checkChoice(paths, 'paths', PATHS)
}

/** What an offer asks of the peer it came to. */
export interface OfferDecision {
  accept(options: AcceptOptions): Promise<PeerSocket>
  refuse(reason: string): void
}

/** Another peer wants a tunnel. Decide within 30 s, once. */
export class Offer {
  readonly from: PeerId
  /** Undefined where INDEX did not say whose peer it is. */
  readonly user: UserId | undefined
  /** What the other application said it is for, at most LIMITS.intentBytes. */
  readonly intent: string
  /** What the other side asked for. */
  readonly terms: { readonly clear: boolean; readonly paths: Paths }
  readonly #decision: OfferDecision
  #decided = false

  /** Offers come from the `offer` event. */
  constructor({ from, intent, terms }: HeardOffer, user: UserId | undefined, decision: OfferDecision) {
    this.from = from
    this.user = user
    this.intent = intent
    this.terms = terms
    this.#decision = decision
  }

  /** Whether it has been accepted, refused or withdrawn. */
  get decided(): boolean {
    return this.#decided
  }

  /**
   * Resolves when data can flow, which is over a relay at first. Rejects with `conflict` if it is decided already,
   * `refused` if the wishes for paths exclude each other, `timeout` if no path opens in 60 s, `closed` if either side
   * closes first, `bad-request` (an argument; then it is not decided).
   */
  async accept(options: AcceptOptions = {}): Promise<PeerSocket> {
    const terms = taken(options)
    checkTerms(terms)
    this.#decide()
    return this.#decision.accept(terms)
  }

  /**
   * `reason`: told to the other side, at most LIMITS.reasonBytes. Throws `conflict` if it is decided already, `bad-request`
   * and `too-large` (an argument; then it is not decided).
   */
  refuse(reason = ''): void {
    checkText(reason, 'reason', LIMITS.reasonBytes)
    this.#decide()
    this.#decision.refuse(reason)
  }

  /** Time is up: it has been refused. */
  lapse(): void {
    this.#decided = true
  }

  #decide(): void {
    if (this.#decided)
      throw new StraightwayError('conflict', 'This offer has been decided already, or was not in time.')
    this.#decided = true
  }
}
