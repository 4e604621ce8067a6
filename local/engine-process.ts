/**
 * The process of the embedded DynamoDB, started again when it dies.
 *
 * It lives as long as this process and no longer: a shell starts it and watches a pipe that only this process holds, so it
 * ends even when this process is killed. It has a process group of its own: Ctrl-C reaches this process alone, and nodes can
 * still sign their peers out.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { StraightwayError } from '../shared/errors.ts'

export interface EngineProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  /** A folder that is removed when this process is gone, however it ended. */
  readonly temporary?: string | undefined
  /** It says nothing when it is ready: it is ready when it answers here. Without, it prints `listening on`. */
  readonly answersAt?: string | undefined
  /** Called after each start, when the engine listens. */
  readonly onListening: () => void
  readonly log: (line: string) => void
}

/** The pause before a restart doubles from one to the other while the engine keeps dying within LIVED_MS. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
const LIVED_MS = 10_000
/** DynamoDB Local takes a second or two. */
const ASK_MS = 250

/** The shell's child waits for the end of descriptor 3, which only this process holds. The shell itself becomes the engine. */
const WATCH =
  '{ cat <&3; kill $$; [ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"; } >/dev/null 2>&1 & exec 3<&- "$0" "$@"'

export class EngineProcess {
  readonly #options: EngineProcessOptions
  /** All that were started: the pipe of one that died stays open, because its end removes the temporary folder. */
  readonly #children: ChildProcess[] = []
  #restart: NodeJS.Timeout | undefined
  #pauseMs = FIRST_PAUSE_MS
  #startedAt = 0
  #stopping = false

  private constructor(options: EngineProcessOptions) {
    this.#options = options
  }

  /** Errors: `unavailable` if the engine ends before it listens. */
  static async start(options: EngineProcessOptions): Promise<EngineProcess> {
    const engine = new EngineProcess(options)
    await engine.#spawn()
    return engine
  }

  get pid(): number | undefined {
    return this.#children.at(-1)?.pid
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    const child = this.#children.at(-1)
    if (child !== undefined && isRunning(child)) {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
    for (const { stdio } of this.#children) for (const pipe of stdio) pipe?.destroy()
  }

  async #spawn(): Promise<void> {
    const { command, args, temporary = '' } = this.#options
    const child = spawn('/bin/sh', ['-c', WATCH, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, TEMPORARY: temporary },
    })
    this.#children.push(child)
    this.#startedAt = Date.now()
    await listening(child, this.#options.answersAt)
    this.#options.onListening()
    if (isRunning(child)) child.once('exit', (code, signal) => this.#ended(signal ?? `code ${code}`))
    else this.#ended('immediately')
  }

  #ended(how: string): void {
    if (this.#stopping) return
    this.#options.log(`the embedded DynamoDB ended (${how}); it is started again`)
    if (Date.now() - this.#startedAt > LIVED_MS) this.#pauseMs = FIRST_PAUSE_MS
    this.#restart = setTimeout(() => {
      this.#spawn().catch((error: Error) => this.#ended(error.message))
    }, this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode === null && signalCode === null

/** Any answer will do, an error of DynamoDB as well. */
function ask(endpoint: string, answered: () => void): void {
  fetch(endpoint, { signal: AbortSignal.timeout(ASK_MS) }).then(answered, () => {})
}

async function listening(child: ChildProcess, answersAt?: string): Promise<void> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const hear = (chunk: Buffer) => {
    said += chunk
    if (answersAt === undefined && said.includes('listening on')) resolve()
  }
  const fail = () =>
    reject(new StraightwayError('unavailable', `The embedded DynamoDB ended: ${said.trim()}`))
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('error', reject)
  child.once('exit', fail)
  const asking = answersAt === undefined ? undefined : setInterval(() => ask(answersAt, resolve), ASK_MS)
  await promise.finally(() => {
    clearInterval(asking)
    child.off('exit', fail)
    child.stdout?.off('data', hear).resume()
    child.stderr?.off('data', hear).resume()
  })
}
