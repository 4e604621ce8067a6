/**
 * What an index entry carries of its record: the values of the searchable attributes, as far as they are short. A filter that
 * the card refutes costs no read of the record. A card never decides that a record matches: that is decided on the record.
 */
import type { Filter } from '../filter/ast.ts'
import { judge, valuesAt } from '../filter/evaluate.ts'
import { own } from './history.ts'

/** JSON text: attribute to its values, and under `?` the attributes whose values did not fit. */
export type Card = string

/** What a card of a user carries of its name as it was given: filters compare it folded. No filter can name it. */
export const SHOWN = '!name'

const TEXT_LENGTH = 64
const VALUES = 8
/** An entry stays within one write unit of 1 KB. */
const CARD_LENGTH = 480

type Known = Readonly<Record<string, readonly unknown[]>>

/** `attributes`: dotted paths, lower case. */
export function cardOf(record: unknown, attributes: readonly string[]): Card {
  const known: Record<string, readonly unknown[]> = {}
  const left: string[] = []
  let length = 0
  for (const attribute of attributes) {
    // In one order, whatever the order of the names in the record: a table does not keep it.
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

/** Whether no record with this card matches. `isCarried` tells which attributes every card holds or names under `?`. */
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
