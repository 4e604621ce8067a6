/**
 * The file service, `straightway/file`: one transfer of files and folders over one stream, as records (records.ts).
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
 * The receiver may say `failed` at any time, the sender `cancel`. A file is hashed while it is sent and while it comes.
 * `key` names the transfer. When it is begun again after a break, `entry` and `offset` say where the receiver stopped, and
 * the bytes before are not sent again. Both sides hash them again, so a beginning that differs is noticed; the file is then
 * sent from its beginning (`failed` with `again`).
 */
import { ERRORS, type ErrorCode, StraightwayError } from '../../shared/errors.ts'
import type { Value } from './records.ts'

export const FILE_VERSION = 2
export const FILE_STREAM = 'file'

/** What a transfer brings, as its sender says. */
export interface TransferOffer {
  /** Of the first file or folder. */
  readonly name: string
  /** Files and folders, those within folders included. */
  readonly entries: number
  /** Undefined when the sender does not know, as with stdin. */
  readonly bytes?: number
}

/** A file that has arrived whole. */
export interface FileFacts {
  /** Its path as it was sent, with `/`. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** `bytes` of `total`, which is undefined when the sender does not know it. Bytes of earlier attempts count. */
export type Progress = (bytes: number, total: number | undefined) => void

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** What the other side said of its failure, as an error of ours. */
export function toldFailure({ code, detail }: Value): StraightwayError {
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'refused'
  const said = typeof detail === 'string' ? detail.slice(0, 1000) : ''
  // `closed` is kept for a connection that broke: what the other side decided is not tried again.
  return new StraightwayError(known === 'closed' ? 'refused' : known, said === '' ? undefined : said)
}
