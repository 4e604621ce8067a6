/**
 * Where values meet the marshaller of the SDK. That one tells a map from a set by `value.constructor.name`, which an
 * application's JSON can say whatever it likes about; a `Map` cannot be mistaken, so nested objects are handed on as such.
 */

/** Parts of a command that hold attribute values by name. */
const VALUES = new Set(['Item', 'Key', 'ExpressionAttributeValues', 'ExclusiveStartKey'])

/** The input of a command with every object within an attribute value as a Map. */
export function marshallable<T>(input: T): T {
  return each(input, (part, name) => (VALUES.has(name) ? each(part, mapped) : marshallable(part))) as T
}

function each(value: unknown, change: (part: unknown, name: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => change(part, ''))
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part, name)]))
}

function mapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapped)
  if (!isPlain(value)) return value
  return new Map(Object.entries(value).map(([name, part]) => [name, mapped(part)]))
}

/** Neither a set nor bytes. The prototype is not among what JSON can say. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
