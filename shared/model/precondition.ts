/** Preconditions of a request on the version of a resource: `If-Match` and `If-None-Match` (RFC 9110, 13.1). */
import { StraightwayError } from '../errors.ts'

export interface Precondition {
  /** The resource must have one of these versions; `*`: it must exist. */
  readonly match?: readonly number[] | '*'
  /** The resource must have none of these versions; `*`: it must not exist. */
  readonly noneMatch?: readonly number[] | '*'
  /** Entity tags of `If-None-Match`, without quotes. */
  readonly tags?: readonly string[]
}

/** Throws `precondition-failed` if the precondition does not hold. `version`: undefined if the resource does not exist. */
export function expectVersion(version: number | undefined, { match, noneMatch }: Precondition = {}): void {
  if (match !== undefined && !isAmong(version, match)) throw failed(found(version))
  if (noneMatch !== undefined && isAmong(version, noneMatch)) throw failed(found(version))
}

/** True if the caller already has the representation with this tag. */
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
