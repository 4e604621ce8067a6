/**
 * The log of the process that is `up`: one line of JSON for each event, in the file `log` of the home. `straightway
 * logs` reads it. A full file is renamed to `log.1` and replaces the previous one.
 */
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 1 << 20

export interface LogLine {
  /** Epoch milliseconds. */
  readonly at: number
  readonly event: string
  /** Text for people. */
  readonly text: string
}

export class Log {
  readonly #path: string
  #bytes: number

  constructor(home: string) {
    this.#path = join(home, 'log')
    this.#bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Appends a line. A line that cannot be written, such as on a full disk, is dropped: the peer keeps running. */
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
      // There is no other place to report this.
    }
  }
}

/** Path of the log. */
export const logPath = (home: string): string => join(home, 'log')

/** All lines, oldest first. */
export function readLog(home: string): LogLine[] {
  return [`${logPath(home)}.1`, logPath(home)].flatMap((path) => linesOf(textOf(path)))
}

/** Parses the lines of a log; invalid lines are skipped. */
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
