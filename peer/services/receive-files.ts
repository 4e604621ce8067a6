/** The receiving side of the file service (transfer.ts). */
import type { Duplex } from 'node:stream'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { check, checkFunction, checkInteger, checkPath, checkPeer, checkSignal, taken } from '../arguments.ts'
import { asTold } from './receive-failures.ts'
import { Receiving } from './receiving.ts'
import { Records } from './records.ts'
import type { FileFacts, Progress, TransferOffer } from './transfer.ts'

/** Where files go, and which are taken. */
export interface ReceiveOptions {
  /** Made if there is none. One that a peer has for its home is refused. */
  readonly directory: string
  /** Who sends: its transfers go on after a break. */
  readonly from?: PeerId
  /** More than that is refused with `too-large`, at the offer or as it comes. Default: as much as the disk holds. */
  readonly maxBytes?: number
  /** Whether to receive it; a text refuses, and is told to the sender. It may take as long as a person does. */
  readonly decide?: (offer: TransferOffer) => boolean | string | Promise<boolean | string>
  /** A file is whole and has its final name; so is every file of a folder when the folder is whole. */
  readonly onFile?: (file: ReceivedFile) => void
  readonly progress?: Progress
  /** Ends it with `closed`; what has come is kept for the same sender to go on. */
  readonly signal?: AbortSignal
}

export interface ReceivedFile extends FileFacts {
  /** Where it is now. */
  readonly path: string
}

/** What a transfer brought. */
export interface ReceivedTransfer {
  readonly files: readonly ReceivedFile[]
  /** Files and folders at the top, where they are now. */
  readonly paths: readonly string[]
}

/**
 * Receives one transfer. A name appears in the directory when everything under it is there and its checksum is the
 * sender's; nothing that is there is replaced. Rejects with `bad-request` (what the sender says is not accepted, as names
 * that begin with a dot), `conflict` (other bytes), `too-large`, `refused` (`decide`), `unavailable` (the disk is full or
 * cannot be written), `closed` (the sender stopped or broke off, or `signal`). The sender is told all but the last.
 */
export async function receiveFiles(stream: Duplex, given: ReceiveOptions): Promise<ReceivedTransfer> {
  const options = checkedReceive(given)
  check(
    typeof stream?.write === 'function' && typeof stream.read === 'function',
    'stream',
    'a Duplex',
    stream,
  )
  const receiving = new Receiving(new Records(stream), options)
  const { signal } = options
  let stop = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new StraightwayError('refused', 'The receiver stopped.'))
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
  stopped.catch(() => {})
  try {
    return await Promise.race([receiving.run(), stopped, receiving.replaced])
  } catch (error) {
    const told = asTold(error)
    await receiving.fail(told)
    throw told
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** As they are now. Throws `bad-request`. */
export function checkedReceive(given: ReceiveOptions): ReceiveOptions {
  const options = taken(given)
  checkPath(options.directory, 'directory')
  if (options.from !== undefined) checkPeer(options.from, 'from')
  checkInteger(options.maxBytes, 'maxBytes', 0, Number.MAX_SAFE_INTEGER)
  for (const name of ['decide', 'onFile', 'progress'] as const) checkFunction(options[name], name)
  checkSignal(options.signal)
  return options
}
