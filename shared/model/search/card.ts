/**
 * The card of an index entry: the values of its record's searchable attributes, if they are short. If the card shows that a
 * filter cannot match, the record is not read. A card cannot show that a record matches; that is decided on the record.
 */
import type { Filter } from '../filter/ast.ts'
import { judge, valuesAt } from '../filter/evaluate.ts'
import { own } from './history.ts'

/** A card as JSON text: attribute to its values, and under `?` the attributes whose values did not fit. */
export type Card = string

/** Key of a user's name in its original case, in the user's card. Filters compare the folded name, and cannot name this key. */
export const SHOWN = '!name'

const TEXT_LENGTH = 64
const VALUES = 8
/** Most characters of a card, so that an entry stays within one DynamoDB write unit of 1 KB. */
const CARD_LENGTH = 480

type Known = Readonly<Record<string, readonly unknown[]>>

/** The card of a record. `attributes`: dotted paths, in lower case. */
export function cardOf(record: unknown, attributes: readonly string[]): Card {
  const known: Record<string, readonly unknown[]> = {}
  const left: string[] = []
  let length = 0
  for (const attribute of attributes) {
    // Sorted, because a table does not keep the order of names in a record.
    const values = [...valuesAt(record, attribute.split('.'))].sort(byText)
    const size = attribute.length + JSON.stringify(values).length + 4
    if (!values.every(isShort) || values.length > VALUES || length + size > CARD_LENGTH) left.push(attribute)
    else if (values.length > 0) {
      known[attribute] = values
      length += size
    }
  }
  return JSON.stringify(left.length === 0 ? known : { ...known, '?': left })
}

/** True if no record with this card matches. `isCarried`: true for attributes that every card holds or names under `?`. */
export function refutes(card: Card, filter: Filter, isCarried: (attribute: string) => boolean): boolean {
  const { '?': left = [], ...known } = JSON.parse(card) as Known
  const look = (path: readonly string[]) => {
    const attribute = path.join('.').toLowerCase()
    return isCarried(attribute) && !left.includes(attribute) ? (own(known, attribute) ?? []) : undefined
  }
  return judge(filter, look) === false
}

function byText(a: unknown, b: unknown): number {
  return String(a) < String(b) ? -1 : Number(String(a) > String(b))
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= TEXT_LENGTH : typeof value !== 'object' || value === null
}
