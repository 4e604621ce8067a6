/** Errors of a transfer at its receiver, and whether the received part is kept. */
import { StraightwayError } from '../shared/errors.ts'

export const diskFull = (why: string, cause?: unknown): StraightwayError =>
  new StraightwayError('unavailable', `The disk of the receiver is full: ${why}.`, { cause })

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** Error codes when another file is in the way, or the file system does not accept the name. */
const NO_PLACE = new Set([
  ...['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP'],
  ...['ENAMETOOLONG', 'EINVAL', 'EILSEQ'],
])

/** Turns an error into one that both sides may see: it contains no path of this machine. */
export function asTold(error: unknown): StraightwayError {
  if (error instanceof StraightwayError) return error
  const { code } = error as NodeJS.ErrnoException
  if (FULL.has(`${code}`)) return diskFull(`${code}`, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new StraightwayError('unavailable', 'The receiver cannot write to its folder.', { cause: error })
  if (NO_PLACE.has(`${code}`))
    return new StraightwayError('conflict', `The receiver has no place for a file of that name (${code}).`, {
      cause: error,
    })
  return new StraightwayError('internal', `The receiver failed (${code ?? 'unknown'}).`, { cause: error })
}

/** True if the received part is kept. It is not kept if the sender violated the protocol or a limit. */
export const mayGoOn = ({ code }: StraightwayError): boolean => code !== 'bad-request' && code !== 'too-large'
