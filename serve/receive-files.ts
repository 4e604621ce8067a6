/** The receiving side of the file service (transfer.ts). */
import type { Duplex } from 'node:stream'
import {
  check,
  checkFunction,
  checkInteger,
  checkPath,
  checkPeer,
  checkSignal,
  taken,
} from '../shared/arguments.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import { asTold } from './receive-failures.ts'
import { Receiving } from './receiving.ts'
import { Records } from './records.ts'
import type { FileFacts, Progress, TransferOffer } from './transfer.ts'

/** Options of `receiveFiles`. */
export interface ReceiveOptions {
  /** Directory for the files, created if necessary. The home of a peer is refused. */
  readonly directory: string
  /** The sender. If given, its transfers can be resumed after a break. */
  readonly from?: PeerId
  /**
   * Largest transfer in bytes. A larger one is refused with `too-large`, when it is offered or while it arrives.
   * Default: the free space of the disk.
   */
  readonly maxBytes?: number
  /**
   * Decides whether to receive the transfer. A text refuses it and is sent to the sender. The decision may take as long
   * as a person needs.
   */
  readonly decide?: (offer: TransferOffer) => boolean | string | Promise<boolean | string>
  /** Called when a file is complete and has its final name. Files of a folder are reported when the whole folder is complete. */
  readonly onFile?: (file: ReceivedFile) => void
  readonly progress?: Progress
  /** Aborts the transfer. What has arrived is kept, so that the same sender can resume. */
  readonly signal?: AbortSignal
}

/** A received file. */
export interface ReceivedFile extends FileFacts {
  /** Path of the file on this machine. */
  readonly path: string
}

/** Result of `receiveFiles`. */
export interface ReceivedTransfer {
  readonly files: readonly ReceivedFile[]
  /** Paths of the top-level files and folders on this machine. */
  readonly paths: readonly string[]
}

/**
 * Receives one transfer. A name appears in the directory only when everything under it has arrived with the sender's
 * checksum. Existing files are never replaced. Rejects with:
 *
 * - `bad-request`: the sender violated the protocol, or sent a name that is refused, such as one that begins with a dot
 * - `conflict`: the checksum differs
 * - `too-large`: the transfer exceeds `maxBytes`
 * - `refused`: `decide` refused, or `signal` aborted
 * - `forbidden`: the directory is the home of a peer
 * - `unavailable`: the disk is full or cannot be written
 * - `closed`: the sender stopped, or the connection broke
 *
 * The sender is told the error, unless the connection broke.
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

/** Returns a checked copy of the options. Throws `bad-request`. */
export function checkedReceive(given: ReceiveOptions): ReceiveOptions {
  const options = taken(given)
  checkPath(options.directory, 'directory')
  if (options.from !== undefined) checkPeer(options.from, 'from')
  checkInteger(options.maxBytes, 'maxBytes', 0, Number.MAX_SAFE_INTEGER)
  for (const name of ['decide', 'onFile', 'progress'] as const) checkFunction(options[name], name)
  checkSignal(options.signal)
  return options
}
