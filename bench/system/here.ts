/** The whole system, as `npm start` runs it, in a network namespace of its own, so that its ports are free. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { StraightwayError } from '../../shared/errors.ts'
import { Dialogue } from '../../test/natlab/dialogue.ts'
import { Namespaces } from '../../test/natlab/namespaces.ts'
import { missingHere } from '../../test/natlab/needs.ts'

const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url))
const PLACE = 'host'

export class SystemHere implements AsyncDisposable {
  readonly pid: number
  readonly index: string
  readonly adminKey: string
  readonly invite: string
  /** Time from the start of the process to the line that says that the system is ready. */
  readonly readyMs: number
  readonly #namespaces: Namespaces
  readonly #folder: string

  private constructor(
    namespaces: Namespaces,
    folder: string,
    child: ChildProcess,
    readyMs: number,
    told: { readonly index: string; readonly adminKey: string; readonly invite: string },
  ) {
    this.#namespaces = namespaces
    this.#folder = folder
    this.pid = child.pid!
    this.readyMs = readyMs
    this.index = told.index
    this.adminKey = told.adminKey
    this.invite = told.invite
  }

  static async start(): Promise<SystemHere> {
    const missing = missingHere()
    if (missing !== undefined) throw new StraightwayError('unavailable', `The laboratory ${missing}.`)
    const namespaces = new Namespaces()
    namespaces.add(PLACE)
    const folder = await mkdtemp(join(tmpdir(), 'bench-system-'))
    const began = performance.now()
    const child = namespaces.spawn(
      PLACE,
      [process.execPath, START, '--data', join(folder, 'data'), '--json'],
      PIPED,
    )
    const first = await createInterface(child.stdout!)[Symbol.asyncIterator]().next()
    if (first.done) throw new StraightwayError('unavailable', 'The system did not start.')
    return new SystemHere(namespaces, folder, child, performance.now() - began, JSON.parse(first.value))
  }

  /** Runs a script of this folder beside the system. */
  run(script: string, ...args: readonly string[]): { readonly dialogue: Dialogue; readonly pid: number } {
    const file = fileURLToPath(new URL(script, import.meta.url))
    const child = this.#namespaces.spawn(PLACE, [process.execPath, '--expose-gc', file, ...args], PIPED)
    return { dialogue: new Dialogue(child), pid: child.pid! }
  }

  home(name: string): string {
    return join(this.#folder, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const PIPED: SpawnOptions = { stdio: ['pipe', 'pipe', 'ignore'] }
