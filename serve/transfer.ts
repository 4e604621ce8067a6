/**
 * The protocol of the file service, `straightway/file`: one transfer of files and folders over one stream, as records
 * (records.ts).
 *
 *   sender                                           receiver
 *   offer {version, key?, name, entries, bytes?}  →
 *                                                 ←  accept {entry, offset}   or   failed {code, detail, again?}
 *   for each entry from that one on:
 *     folder {path}                               →
 *     file {path, size?}, bytes…, end {sha256}    →
 *                                                 ←  kept {entry, sha256}
 *   done                                          →
 *                                                 ←  done
 *
 * The receiver may send `failed` at any time, and the sender `cancel`. Both sides hash a file while it is transferred.
 *
 * `key` identifies the transfer. If it is started again after a break, `entry` and `offset` tell where the receiver
 * stopped, and earlier bytes are not sent again. Both sides hash them again, so that a difference is detected. The file
 * is then sent from its beginning (`failed` with `again`).
 */
import { ERRORS, type ErrorCode, StraightwayError } from '../shared/errors.ts'
import type { Value } from './records.ts'

export const FILE_VERSION = 2
export const FILE_STREAM = 'file'

/** Contents of a transfer, as announced by its sender. */
export interface TransferOffer {
  /** Name of the first file or folder. */
  readonly name: string
  /** Number of files and folders, including those within folders. */
  readonly entries: number
  /** Total size in bytes; undefined if the sender does not know it, as with stdin. */
  readonly bytes?: number
}

/** A file that was transferred completely. */
export interface FileFacts {
  /** Path of the file as it was sent, with `/` as separator. */
  readonly name: string
  /** Size in bytes. */
  readonly size: number
  /** Checksum in hexadecimal. */
  readonly sha256: string
}

/** Reports progress: `bytes` of `total`. `total` is undefined if the sender does not know it. Bytes of earlier attempts count. */
export type Progress = (bytes: number, total: number | undefined) => void

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** Turns the failure that the other side reported into an error. */
export function toldFailure({ code, detail }: Value): StraightwayError {
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'refused'
  const said = typeof detail === 'string' ? detail.slice(0, 1000) : ''
  // `closed` is reserved for broken connections, because those are retried and a decision of the other side is not.
  return new StraightwayError(known === 'closed' ? 'refused' : known, said === '' ? undefined : said)
}
