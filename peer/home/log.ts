/**
 * What happened to the process that is `up`, one line of JSON each, in `log` of the home: read by `straightway logs`. When
 * the file has grown it becomes `log.1`, in place of the one before.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 1 << 20

export interface LogLine {
  /** Epoch milliseconds. */
  readonly at: number
  readonly event: string
  /** As people are told. */
  readonly text: string
}

export class Log {
  readonly #path: string
  #bytes: number

  constructor(home: string) {
    this.#path = join(home, 'log')
    this.#bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }

  /** What cannot be written, as on a full disk, is left out: the peer goes on. */
  add(line: LogLine): void {
    const text = `${JSON.stringify(line)}\n`
    try {
      if (this.#bytes + text.length > MAX_BYTES) {
        renameSync(this.#path, `${this.#path}.1`)
        this.#bytes = 0
      }
      appendFileSync(this.#path, text, { mode: 0o600 })
      this.#bytes += text.length
    } catch {
      // Told nowhere: this is where it would be.
    }
  }
}

/** Where it is. */
export const logPath = (home: string): string => join(home, 'log')

/** Everything that is kept, the oldest first. */
export function readLog(home: string): LogLine[] {
  return [`${logPath(home)}.1`, logPath(home)].flatMap((path) => linesOf(textOf(path)))
}

/** Whole lines of it; what is none is left out. */
export function linesOf(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { at, event, text } = JSON.parse(line)
      return typeof at === 'number' && typeof event === 'string' ? [{ at, event, text: `${text}` }] : []
    } catch {
      return []
    }
  })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
