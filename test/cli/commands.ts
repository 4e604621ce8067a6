/** Runs CLI commands as they are typed, each as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

const LAUNCHER = join(import.meta.dirname, '../../cli/straightway.js')

export type Event = Readonly<Record<string, unknown>>

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Program {
  readonly node: string
  readonly launcher: string
}

/** `environment` replaces the test's own, so that no setting of the developer's shell interferes. */
export class Commands {
  readonly #environment: NodeJS.ProcessEnv
  readonly #program: Program

  /** `program`: the launcher of an installed package and another Node. Default: those of the checkout. */
  constructor(
    settings: Readonly<Record<string, string>>,
    program: Program = { node: process.execPath, launcher: LAUNCHER },
  ) {
    this.#program = program
    const { STRAIGHTWAY_INDEX: _, STRAIGHTWAY_INVITE: __, ...ours } = process.env
    this.#environment = { ...ours, ...settings }
  }

  /** Runs a command that ends by itself. */
  async run(...args: string[]): Promise<Ended> {
    const child = this.#launch(args)
    const [out, err] = [text(child.stdout!), text(child.stderr!)]
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out: await out, err: await err }
  }

  /** Runs a command that reads `input` from stdin. */
  async piped(input: string, ...args: string[]): Promise<Ended> {
    const child = this.#launch(args, 'pipe')
    child.stdin!.end(input)
    const [out, err] = [text(child.stdout!), text(child.stderr!)]
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out: await out, err: await err }
  }

  /** Runs a command that succeeds and prints exactly one JSON value, and returns it. */
  async json<T = Event>(...args: string[]): Promise<T> {
    const { code, out, err } = await this.run(...args, '--json')
    if (code !== 0 || err !== '') throw new Error(`${args.join(' ')}: ${code} ${out}${err}`)
    return JSON.parse(out) as T
  }

  /** Runs a command that fails and prints only its error as JSON, and returns it. */
  async fails(...args: string[]): Promise<{ readonly error: string; readonly detail: string }> {
    const { code, out, err } = await this.run(...args, '--json')
    if (code !== 1 || err !== '') throw new Error(`${args.join(' ')}: ${code} ${out}${err}`)
    return JSON.parse(out)
  }

  /** Starts a command that keeps running and prints events as lines of JSON. */
  start(...args: string[]): Running {
    return new Running(this.#launch([...args, '--json']))
  }

  /** Starts a command with output for people, and returns its process. */
  process(...args: string[]): ChildProcess {
    return this.#launch(args)
  }

  /** Returns the command as typed in a shell. */
  line(...args: string[]): string {
    return [process.execPath, LAUNCHER, ...args].map((word) => `'${word}'`).join(' ')
  }

  #launch(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    return spawn(this.#program.node, [this.#program.launcher, ...args], {
      env: this.#environment,
      stdio: [stdin, 'pipe', 'pipe'],
    })
  }
}

export class Running {
  readonly #child: ChildProcess
  readonly #events: Event[] = []
  readonly #errors: Promise<string>
  #awake = Promise.withResolvers<void>()

  constructor(child: ChildProcess) {
    this.#child = child
    this.#errors = text(child.stderr!)
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#events.push(JSON.parse(line))
      this.#wake()
    })
    child.once('close', () => this.#wake())
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Returns the first event with this name and these facts since the start. Other events stay unread. */
  heard(event: string, facts: Event = {}): Promise<Event> {
    return this.heardAny({ event, ...facts })
  }

  /** Returns the first line with these facts. */
  async heardAny(facts: Event): Promise<Event> {
    const isIt = (each: Event) => Object.entries(facts).every(([name, value]) => each[name] === value)
    for (;;) {
      const found = this.#events.findIndex(isIt)
      if (found >= 0) return this.#events.splice(found, 1)[0]!
      if (this.#child.exitCode !== null)
        throw new Error(`It ended before ${JSON.stringify(facts)}: ${await this.#errors}`)
      await this.#awake.promise
    }
  }

  /** Sends a signal, or without one waits for the process to end. Returns the exit code. */
  async ended(signal?: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode
    const exit = once(this.#child, 'exit')
    if (signal !== undefined) this.#child.kill(signal)
    return (await exit)[0]
  }

  #wake(): void {
    this.#awake.resolve()
    this.#awake = Promise.withResolvers()
  }
}
