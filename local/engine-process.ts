/**
 * The process of the local DynamoDB engine, restarted when it dies.
 *
 * It ends with this process, even if this process is killed: a shell starts it and watches a pipe that only this
 * process holds. It has its own process group, so Ctrl-C reaches this process alone, and nodes can still sign out their
 * peers.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { StraightwayError } from '../shared/errors.ts'

export interface EngineProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Folder that is removed when this process is gone, however it ended. */
  readonly temporary?: string | undefined
  /** URL at which an engine that prints nothing answers when it is ready. Without it, the engine prints `listening on`. */
  readonly answersAt?: string | undefined
  /** Called after each start, when the engine listens. */
  readonly onListening: () => void
  readonly log: (line: string) => void
}

/** The pause before a restart doubles between these bounds while the engine keeps dying within LIVED_MS. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
const LIVED_MS = 10_000
/** Pause between checks whether the engine is ready. DynamoDB Local takes one or two seconds. */
const ASK_MS = 250

/**
 * A shell command. Its background child waits for the end of descriptor 3, which only this process holds. The shell
 * itself becomes the engine.
 */
const WATCH =
  '{ cat <&3; kill $$; [ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"; } >/dev/null 2>&1 & exec 3<&- "$0" "$@"'

export class EngineProcess {
  readonly #options: EngineProcessOptions
  /** All processes that were started. The pipe of a dead one stays open, because its end removes the temporary folder. */
  readonly #children: ChildProcess[] = []
  #restart: NodeJS.Timeout | undefined
  #pauseMs = FIRST_PAUSE_MS
  #startedAt = 0
  #stopping = false

  private constructor(options: EngineProcessOptions) {
    this.#options = options
  }

  /** Starts the engine. Rejects with `unavailable` if it ends before it listens. */
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

/** Checks whether the engine answers. An error of DynamoDB counts too. */
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
