/** Why a transfer failed at its receiver, and what becomes of what has come. */
import { StraightwayError } from '../../shared/errors.ts'

export const diskFull = (why: string, cause?: unknown): StraightwayError =>
  new StraightwayError('unavailable', `The disk of the receiver is full: ${why}.`, { cause })

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** Something else is there, or the file system takes no such name. */
const NO_PLACE = new Set([
  ...['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP'],
  ...['ENAMETOOLONG', 'EINVAL', 'EILSEQ'],
])

/** What went wrong here, in words that both sides can have: no path of this machine is told. */
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

/** What the sender broke the rules with is not kept. */
export const mayGoOn = ({ code }: StraightwayError): boolean => code !== 'bad-request' && code !== 'too-large'
