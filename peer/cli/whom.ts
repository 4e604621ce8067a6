import type { PeerId, UserId } from '../../shared/ids.ts'
import type { Names } from './names.ts'
import type { Asked } from './seat.ts'

/** `none`, or a list without anybody. */
export const expectsNobody = (rule: readonly string[] | undefined): boolean =>
  rule !== undefined && (rule.length === 0 || rule.every((each) => each === 'none'))

/**
 * Who is let in: `network` (everybody who can ask at all), `none`, or names and keys. A name becomes a key when it is read,
 * so nobody is let in by calling itself so later.
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

  /** As people are told. */
  get rule(): 'network' | 'none' | 'some' {
    if (this.#ids === undefined) return 'network'
    return this.#ids.size === 0 ? 'none' : 'some'
  }
}
