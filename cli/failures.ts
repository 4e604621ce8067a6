/**
 * Turns every error into one line: what happened, then what to do. Exit codes: 0 success, 1 failure, 2 wrong usage. A
 * stack trace is shown only if STRAIGHTWAY_DEBUG is set.
 */
import { StraightwayError } from '../shared/errors.ts'
import { escapeLine } from './escape.ts'
import { print } from './output.ts'

export interface Failure {
  readonly error: string
  readonly detail: string
}

/** Prints an error and sets the exit code. */
export function fail(error: unknown, json: boolean): void {
  process.exitCode = 1
  const failure = failureOf(error)
  if (json) print(true, failure)
  else process.stderr.write(`straightway: ${escapeLine(failure.detail)}\n`)
  if (process.env.STRAIGHTWAY_DEBUG) process.stderr.write(`${(error as Error)?.stack ?? error}\n`)
}

export function failureOf(error: unknown): Failure {
  if (error instanceof StraightwayError) return { error: error.code, detail: inWords(error) }
  const { code, syscall } = Object(error) as NodeJS.ErrnoException
  if (typeof code === 'string' && typeof syscall === 'string')
    return systemFailure(error as NodeJS.ErrnoException)
  const said = error instanceof Error ? `${error.name}: ${error.message}` : `${error}`
  const detail = `This should not happen: ${said.split('\n')[0]}. Set STRAIGHTWAY_DEBUG=1 to see where, and tell us.`
  return { error: 'internal', detail }
}

/** Texts for refusal reasons of our own programs; `up` and `receive` are the ones that serve. */
const REFUSALS: Readonly<Record<string, string>> = {
  'not-allowed': 'The other peer refused (not-allowed): there, `--accept` or `--from` says whom it accepts.',
  'not-served':
    'The other peer does not serve this (not-served): there, `straightway up --receive DIR --expose PORT`, or `receive`.',
  'not-listening':
    'The program there takes no tunnels (not-listening): there, `straightway up` or `straightway receive`.',
  'no-decision': 'Nobody there decided within 30 s (no-decision): try again.',
}

const inWords = ({ code, message }: StraightwayError): string =>
  code === 'refused' ? (REFUSALS[message] ?? message) : message

type Words = (path: string, port: string) => readonly [code: string, detail: string]

const SYSTEM: Readonly<Record<string, Words>> = {
  EACCES: (path) => [
    'forbidden',
    `${path} may not be used: give yourself the right to, or choose another place.`,
  ],
  EPERM: (path) => ['forbidden', `${path} may not be changed: choose another place.`],
  EROFS: (path) => ['forbidden', `${path} is on a read-only file system: choose another place.`],
  ENOSPC: (path) => ['unavailable', `The disk is full (${path}): make room, and try again.`],
  EDQUOT: (path) => ['unavailable', `Your quota of the disk is used up (${path}): make room, and try again.`],
  EFBIG: (path) => ['unavailable', `The file system does not take a file that large (${path}).`],
  ENOTDIR: (path) => ['bad-request', `${path} is no folder: choose another place.`],
  EEXIST: (path) => ['bad-request', `${path} is there already, and is no folder: choose another place.`],
  EISDIR: (path) => ['bad-request', `${path} is a folder, where a file is wanted.`],
  ENOENT: (path) => ['not-found', `There is no ${path}.`],
  ELOOP: (path) => ['bad-request', `${path} is a symbolic link to itself.`],
  ENAMETOOLONG: (path) => ['bad-request', `${path} is too long a name.`],
  EMFILE: () => ['unavailable', 'This process has too many files open: raise `ulimit -n`, and try again.'],
  EADDRINUSE: (_, port) => [
    'conflict',
    `${port} is in use: stop the process that has it, or choose another one.`,
  ],
}

const NO_PLACE: Words = (path) => ['bad-request', `${path} cannot be made there: choose another place.`]

function systemFailure(error: NodeJS.ErrnoException): Failure {
  const { path, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  const isNoPlace = error.code === 'ENOENT' && error.syscall === 'mkdir'
  const words = isNoPlace ? NO_PLACE : SYSTEM[error.code!]
  if (words === undefined) return { error: 'internal', detail: `The system says: ${error.message}.` }
  const [code, detail] = words(
    path ?? 'a file',
    port === undefined ? 'The address' : `Port ${port} of ${address ?? 'this machine'}`,
  )
  return { error: code, detail }
}
