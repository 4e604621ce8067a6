import type { PeerId } from '../../ids.ts'
import type { Locator } from './locator.ts'
import type { PeerSession } from './peer-session.ts'

/** `unknown`: it takes a look-up, and the directory did not answer. */
export type Verdict = 'passes' | 'blocked' | 'unknown'

/** Whom a peer does not hear: peers, and users with all their peers. */
export class Blocks {
  readonly #locator: Locator

  constructor(locator: Locator) {
    this.#locator = locator
  }

  /** Calls `then` at once, unless it has to be looked up whose the sender is. */
  judge(of: PeerSession, from: PeerId, then: (verdict: Verdict, now: number) => void, now: number): void {
    if (of.blocks.includes(from)) then('blocked', now)
    else if (!of.blocks.some((one) => one.startsWith('u_'))) then('passes', now)
    else
      this.#locator.locate(
        from,
        (sender, at) => {
          if (sender === 'failed') then('unknown', at)
          else then(sender !== undefined && of.blocks.includes(sender.user) ? 'blocked' : 'passes', at)
        },
        now,
      )
  }
}
