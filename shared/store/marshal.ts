/**
 * Prepares values for the marshaller of the SDK. The marshaller tells a map from a set by `value.constructor.name`,
 * and an application's JSON can contain a property `constructor`. A `Map` cannot be mistaken, so nested objects are
 * passed as Maps.
 */

/** Parts of a command that hold attribute values by name. */
const VALUES = new Set(['Item', 'Key', 'ExpressionAttributeValues', 'ExclusiveStartKey'])

/** The input of a command, with every object within an attribute value replaced by a Map. */
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

/** True if a value is a plain object, not a set or bytes. JSON cannot set a prototype, so this check is safe. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
