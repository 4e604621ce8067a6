import type { PeerId, UserId } from '../shared/ids.ts'
import type { Names } from './names.ts'
import type { Asked } from './seat.ts'

/** True if a rule accepts nobody. */
export const expectsNobody = (rule: readonly string[] | undefined): boolean =>
  rule !== undefined && (rule.length === 0 || rule.every((each) => each === 'none'))

/**
 * A rule for the peers that are accepted: `network` (every peer that can ask), `none`, or names and keys. Names are
 * resolved to keys when the rule is read, so nobody gets in by taking a name later.
 */
export class Whom {
  readonly #ids: ReadonlySet<string> | undefined

  private constructor(ids: ReadonlySet<string> | undefined) {
    this.#ids = ids
  }

  static async of(rule: readonly string[] | undefined, names: Names): Promise<Whom> {
    if (rule === undefined || rule.includes('network')) return new Whom(undefined)
    const named = rule.filter((each) => each !== 'none')
    return new Whom(new Set<string>(await Promise.all(named.map((each) => names.subjectOf(each)))))
  }

  has({ from, user }: Pick<Asked, 'from' | 'user'>): boolean {
    const ids: readonly (PeerId | UserId | undefined)[] = [from, user]
    return this.#ids === undefined || ids.some((id) => id !== undefined && this.#ids?.has(id))
  }

  /** Kind of the rule, for messages to people. */
  get rule(): 'network' | 'none' | 'some' {
    if (this.#ids === undefined) return 'network'
    return this.#ids.size === 0 ? 'none' : 'some'
  }
}
