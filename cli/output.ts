/**
 * Output of the command line: everything it prints goes through here and is escaped here. Programs get lines of JSON on
 * stdout. People get lines of text on stdout, and progress, notes and errors on stderr.
 */
import { escapeJson, escapeLine } from './escape.ts'
import { stop } from './life.ts'

const BAR = 24
const REDRAW_MS = 100

/** Prints a result: `value` as JSON, or `lines` as text. Line breaks within a text are escaped. */
export function print(json: true | undefined, value: object, lines: string | readonly string[] = []): void {
  if (json) write(process.stdout, escapeJson(value))
  else for (const line of [lines].flat()) write(process.stdout, escapeLine(line))
}

/** Prints a note for people, which is not part of the result. */
export function note(json: true | undefined, ...lines: readonly string[]): void {
  if (json) return
  clearBars()
  for (const line of lines) write(process.stderr, escapeLine(line))
}

/** Prints a whole text of our own, such as a completion script, without escaping. */
export const printWhole = (text: string): void => write(process.stdout, text.replace(/\n$/, ''))

function write(to: NodeJS.WriteStream, line: string): void {
  if (to === process.stdout) clearBars()
  if (to.writable) to.write(`${line}\n`)
}

/** Stops the process without an error when the reader of its output has gone. */
export function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') stop('output')
    })
}

const bars = new Set<ProgressBar>()
const clearBars = () => {
  for (const bar of bars) bar.clear()
}

/** A progress bar that is drawn at most ten times a second, and only on a terminal. */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream | undefined
  readonly #name: string
  readonly #startedAt = performance.now()
  #drawnAt = 0
  #first: number | undefined

  constructor(name: string, json: true | undefined) {
    this.#out = json || !process.stderr.isTTY ? undefined : process.stderr
    this.#name = escapeLine(name)
    bars.add(this)
  }

  readonly show = (bytes: number, total: number | undefined): void => {
    this.#first ??= bytes
    const now = performance.now()
    if (this.#out === undefined || (now - this.#drawnAt < REDRAW_MS && bytes !== total)) return
    this.#drawnAt = now
    const speed = `${megabits(bytes - this.#first, now - this.#startedAt)} Mbit/s`
    this.#out.write(`\r  ${[this.#name, ...barOf(bytes, total), speed].join('  ')}\x1b[K`)
  }

  clear(): void {
    if (this.#drawnAt > 0) this.#out?.write('\r\x1b[K')
  }

  end(): void {
    this.clear()
    bars.delete(this)
  }

  /** Mean rate since the bar was created, in Mbit/s. */
  mbps(bytes: number): number {
    return megabits(bytes, performance.now() - this.#startedAt)
  }
}

function barOf(bytes: number, total: number | undefined): string[] {
  if (total === undefined) return [sizeText(bytes)]
  const part = total === 0 ? 1 : Math.min(bytes / total, 1)
  const filled = '='.repeat(Math.round(part * BAR)).padEnd(BAR)
  return [`[${filled}]`, `${Math.floor(part * 100)} %`, `of ${sizeText(total)}`]
}

const megabits = (bytes: number, ms: number): number => Math.round((bytes * 8) / Math.max(ms, 1) / 100) / 10

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** A size such as `1.5 MB`, in decimal units. */
export function sizeText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  const amount = bytes / 1000 ** power
  return `${power === 0 ? amount : amount.toFixed(1)} ${UNITS[power]}`
}
