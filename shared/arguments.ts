/**
 * Argument checks of the public API. Each throws `bad-request` with the name of the argument, the expected value and
 * the given one, or `too-large`. A checked argument can be encoded and sent.
 */
import { StraightwayError } from './errors.ts'
import { isPeerId, type PeerId } from './ids.ts'

/** Throws `bad-request` unless `holds`. */
export function check(holds: boolean, name: string, wanted: string, given: unknown): asserts holds {
  if (!holds) throw new StraightwayError('bad-request', `\`${name}\` is ${wanted}, not ${shown(given)}.`)
}

/** Requires an object or undefined. */
export function checkOptions(given: unknown, name = 'options'): void {
  const is = given === undefined || (typeof given === 'object' && given !== null && !Array.isArray(given))
  check(is, name, 'an object', given)
}

/** Requires a string without lone surrogates, which cannot be encoded as UTF-8. */
export function checkText(given: unknown, name: string, maxBytes?: number): asserts given is string {
  check(typeof given === 'string', name, 'a text', given)
  check(given.isWellFormed(), name, 'well-formed Unicode', 'a text with half of a surrogate pair')
  if (maxBytes !== undefined && new TextEncoder().encode(given).length > maxBytes)
    throw new StraightwayError('too-large', `\`${name}\` has at most ${maxBytes} bytes.`)
}

export function checkFlag(given: unknown, name: string): void {
  check(given === undefined || typeof given === 'boolean', name, 'true or false', given)
}

export function checkChoice(given: unknown, name: string, choices: readonly string[]): void {
  const wanted = choices.map((choice) => `'${choice}'`).join(', ')
  check(given === undefined || choices.includes(given as string), name, `one of ${wanted}`, given)
}

export function checkInteger(given: unknown, name: string, least: number, most: number): void {
  const is =
    given === undefined || (Number.isInteger(given) && Number(given) >= least && Number(given) <= most)
  check(is, name, `a whole number from ${least} to ${most}`, given)
}

export function checkFunction(given: unknown, name: string): void {
  check(given === undefined || typeof given === 'function', name, 'a function', given)
}

export function checkSignal(given: unknown, name = 'signal'): void {
  check(given === undefined || given instanceof AbortSignal, name, 'an AbortSignal', given)
}

export function checkPeer(given: unknown, name: string): asserts given is PeerId {
  check(typeof given === 'string' && isPeerId(given), name, 'the id of a peer (`record.peer`)', given)
}

/** Requires the id of a user, a network, an object or the like. Rejects `.` and `..`, which would change the path of a URL. */
export function checkId(given: unknown, name: string): asserts given is string {
  checkText(given, name)
  check(!['', '.', '..'].includes(given), name, 'an id', given)
}

/** Requires a path of this machine. No file name contains NUL. */
export function checkPath(given: unknown, name: string): asserts given is string {
  check(typeof given === 'string' && given !== '' && !given.includes('\0'), name, 'a path', given)
}

/** Requires an object that JSON can represent: no cycle, no BigInt. */
export function checkJson(given: unknown, name: string): void {
  check(typeof given === 'object' && given !== null && !Array.isArray(given), name, 'an object', given)
  try {
    JSON.stringify(given)
  } catch (cause) {
    const detail = `\`${name}\` cannot be written as JSON: ${cause instanceof Error ? cause.message : cause}`
    throw new StraightwayError('bad-request', detail, { cause })
  }
}

export function checkPort(given: unknown, name: string, least = 1): void {
  check(given !== undefined, name, `a port from ${least} to 65535`, given)
  checkInteger(given, name, least, 65_535)
}

/**
 * Returns a copy of an options object. A getter or proxy could otherwise return something else after the check. Throws
 * `bad-request` unless it is an object or undefined.
 */
export function taken<T extends object>(given: T | undefined, name = 'options'): T {
  checkOptions(given, name)
  return { ...(given as T) }
}

/** Longest time in milliseconds that a timer can wait. */
export const MOST_MS = 2 ** 31 - 1

function shown(given: unknown): string {
  if (typeof given === 'string') return given.length > 60 ? `'${given.slice(0, 57)}...'` : `'${given}'`
  if (given === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof given)) return `${given}`
  if (typeof given === 'function') return 'a function'
  const name = Object.getPrototypeOf(given)?.constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `a value of type ${name}` : 'an object'
}
