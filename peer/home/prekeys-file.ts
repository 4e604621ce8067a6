/**
 * The prekeys of a peer in a file of its home, one line each: base32 of the secret key, when it was signed, and when it was
 * retired. The file is replaced whole, so an erased key is in no file; the disk may still hold its blocks.
 */
import type { PrekeyMemory } from '../../shared/core/peer/prekeys.ts'
import { readIfThere, writeWhole } from '../../shared/files/whole-file.ts'
import { fromBase32, toBase32 } from '../../shared/ids.ts'

const KEY_BYTES = 32

/** Reads the prekeys; none if the file does not exist. A damaged line is skipped. */
export function readPrekeys(path: string): readonly PrekeyMemory[] {
  return (readIfThere(path) ?? '').split('\n').flatMap(parse)
}

export function writePrekeys(path: string, prekeys: readonly PrekeyMemory[]): void {
  writeWhole(path, prekeys.map(lineOf).join(''))
}

const lineOf = ({ secretKey, signedAt, retiredAt }: PrekeyMemory): string =>
  `${[toBase32(secretKey), signedAt, ...(retiredAt === undefined ? [] : [retiredAt])].join(' ')}\n`

function parse(line: string): PrekeyMemory[] {
  const [key = '', signed, retired] = line.split(' ')
  const secretKey = fromBase32(key)
  const [signedAt, retiredAt] = [Number(signed), retired === undefined ? undefined : Number(retired)]
  const isValid =
    secretKey?.length === KEY_BYTES && signedAt >= 0 && (retiredAt === undefined || retiredAt >= 0)
  return isValid ? [{ secretKey, signedAt, ...(retiredAt !== undefined && { retiredAt }) }] : []
}
