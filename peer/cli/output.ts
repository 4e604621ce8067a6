/** What a verb prints: lines of JSON on stdout for programs; text on stdout and progress on stderr for people. */
import { StraightwayError } from '../../shared/errors.ts'
import type { PresenceRecord } from '../../shared/presence.ts'

const BAR = 28

export function print(json: true | undefined, value: object, text: string | undefined): void {
  if (json) process.stdout.write(`${JSON.stringify(value)}\n`)
  else if (text !== undefined) process.stdout.write(`${text}\n`)
}

export function fail(error: unknown, json: boolean): never {
  const { code, message } =
    error instanceof StraightwayError
      ? error
      : { code: 'internal' as const, message: (error as Error).stack ?? String(error) }
  if (json) process.stdout.write(`${JSON.stringify({ error: code, detail: message })}\n`)
  else process.stderr.write(`straightway: ${message}\n`)
  process.exit(1)
}

export function recordLine({ peer, status, user, custom, metadata }: PresenceRecord): string {
  const facts = Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : ''
  return [peer, status.padEnd(7), user, custom, facts].filter((each) => each !== '').join('  ')
}

/** A bar that draws itself at most ten times a second, on a terminal only. */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream | undefined
  readonly #name: string
  readonly #startedAt = performance.now()
  #drawnAt = 0

  constructor(name: string, json: true | undefined) {
    this.#out = json || !process.stderr.isTTY ? undefined : process.stderr
    this.#name = name
  }

  readonly show = (bytes: number, size: number): void => {
    const now = performance.now()
    if (this.#out === undefined || (now - this.#drawnAt < 100 && bytes < size)) return
    this.#drawnAt = now
    const part = size === 0 ? 1 : bytes / size
    const filled = '='.repeat(Math.round(part * BAR)).padEnd(BAR)
    const speed = megabits(bytes, now - this.#startedAt)
    this.#out.write(`\r  ${this.#name}  [${filled}] ${Math.floor(part * 100)} %  ${speed} Mbit/s\x1b[K`)
  }

  end(): void {
    this.#out?.write('\r\x1b[K')
  }

  mbps(bytes: number): number {
    return megabits(bytes, performance.now() - this.#startedAt)
  }
}

const megabits = (bytes: number, ms: number): number => Math.round((bytes * 8) / Math.max(ms, 1) / 100) / 10
