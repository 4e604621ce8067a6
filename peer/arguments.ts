/**
 * Checks at the public doors: each throws `bad-request` with the name of the argument, what it has to be and what was
 * given, or `too-large`. What gets past them can be encoded and sent.
 */
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type PeerId } from '../shared/ids.ts'

/** Throws unless it holds. */
export function check(holds: boolean, name: string, wanted: string, given: unknown): asserts holds {
  if (!holds) throw new StraightwayError('bad-request', `\`${name}\` is ${wanted}, not ${shown(given)}.`)
}

/** An object with options, or nothing. */
export function checkOptions(given: unknown, name = 'options'): void {
  const is = given === undefined || (typeof given === 'object' && given !== null && !Array.isArray(given))
  check(is, name, 'an object', given)
}

/** Text that can be sent: a lone surrogate cannot. */
export function checkText(given: unknown, name: string, maxBytes?: number): asserts given is string {
  check(typeof given === 'string', name, 'a text', given)
  check(given.isWellFormed(), name, 'well-formed Unicode', 'a text with half of a surrogate pair')
  if (maxBytes !== undefined && Buffer.byteLength(given) > maxBytes)
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

/** The id of a user, a network, an object or the like. As a part of a URL, `..` would ask for another path. */
export function checkId(given: unknown, name: string): asserts given is string {
  checkText(given, name)
  check(!['', '.', '..'].includes(given), name, 'an id', given)
}

/** A path of this machine: no file has a name with NUL in it. */
export function checkPath(given: unknown, name: string): asserts given is string {
  check(typeof given === 'string' && given !== '' && !given.includes('\0'), name, 'a path', given)
}

/** What JSON can say: no cycle, no BigInt, and an object at its top. */
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

/** As they are now: a getter or a proxy may say something else when it is asked again. Throws unless it is an object. */
export function taken<T extends object>(given: T | undefined, name = 'options'): T {
  checkOptions(given, name)
  return { ...(given as T) }
}

/** Milliseconds that a timer can wait. */
export const MOST_MS = 2 ** 31 - 1

function shown(given: unknown): string {
  if (typeof given === 'string') return given.length > 60 ? `'${given.slice(0, 57)}...'` : `'${given}'`
  if (given === null || ['number', 'boolean', 'undefined', 'bigint'].includes(typeof given)) return `${given}`
  if (typeof given === 'function') return 'a function'
  const name = Object.getPrototypeOf(given)?.constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `a value of type ${name}` : 'an object'
}
