import type { Paths } from '../../paths.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Choice } from './choice.ts'

/** Why the tunnel is not direct. With `relay-only` it is the policy, whatever happens. */
export class Reason {
  readonly #paths: Paths
  readonly #choice: Pick<Choice, 'relayBetter'>
  #why: WhyNotDirect

  constructor(paths: Paths, choice: Pick<Choice, 'relayBetter'>) {
    this.#paths = paths
    this.#choice = choice
    this.#why = paths === 'relay-only' ? 'policy' : 'not-yet'
  }

  get why(): WhyNotDirect {
    return this.#choice.relayBetter ? 'relay-better' : this.#why
  }

  /** Found another reason, which is reported as long as there is no direct path. */
  found(why: WhyNotDirect): void {
    if (this.#paths !== 'relay-only') this.#why = why
  }
}
