/** What a request demands of the version of a thing: `If-Match` and `If-None-Match` (RFC 9110, 13.1). */
import { StraightwayError } from '../errors.ts'

export interface Precondition {
  /** One of these versions, or any. */
  readonly match?: readonly number[] | '*'
  /** None of these versions, or nothing at all. */
  readonly noneMatch?: readonly number[] | '*'
  /** What `If-None-Match` holds, each without its quotes. */
  readonly tags?: readonly string[]
}

/** Throws `precondition-failed`. A thing that is not there has no version. */
export function expectVersion(version: number | undefined, { match, noneMatch }: Precondition = {}): void {
  if (match !== undefined && !isAmong(version, match)) throw failed(found(version))
  if (noneMatch !== undefined && isAmong(version, noneMatch)) throw failed(found(version))
}

/** Whether the caller has what this tag stands for already. */
export function isKnown(tag: string, { noneMatch, tags = [] }: Precondition): boolean {
  return noneMatch === '*' || tags.includes(tag)
}

function isAmong(version: number | undefined, versions: readonly number[] | '*'): boolean {
  return version !== undefined && (versions === '*' || versions.includes(version))
}

function found(version: number | undefined): string {
  return version === undefined ? 'It is not there' : `It is at version ${version}`
}

const failed = (what: string) =>
  new StraightwayError('precondition-failed', `${what}: read it again and decide anew`)
