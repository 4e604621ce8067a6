/**
 * The nodes of this machine, each a process, as an autoscaling group would keep them. A node that dies is replaced a
 * second later by a new one at the same addresses, with a new id and key.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { FleetItem } from '../shared/directory.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { NodeConfig } from '../udp-edge/config.ts'

const MAIN = join(import.meta.dirname, `../udp-edge/main${extname(import.meta.filename)}`)
/** Node's default folder for its compile cache, which halves the start-up time of a node. */
const COMPILED = join(tmpdir(), 'node-compile-cache')
const REPLACE_AFTER_MS = 1_000
/** Time that a node gets to drain. One that hangs is killed. */
const STOP_MS = 5_000

/** Facts that a node prints when it is ready. */
export type Ready = Pick<FleetItem, 'node' | 'roles' | 'addresses'> & { readonly pid: number }

export class NodeProcess {
  readonly #config: NodeConfig
  readonly #log: (line: string) => void
  #child: ChildProcess | undefined
  #replacement: NodeJS.Timeout | undefined
  #stopping = false
  #ready: Ready | undefined

  private constructor(config: NodeConfig, log: (line: string) => void) {
    this.#config = config
    this.#log = log
  }

  /** Starts a node. Rejects with `unavailable` if it ends before it is ready. */
  static async start(config: NodeConfig, log: (line: string) => void): Promise<NodeProcess> {
    const node = new NodeProcess(config, log)
    await node.#spawn()
    return node
  }

  /** Facts about the current node. */
  get ready(): Ready {
    return this.#ready!
  }

  get serves(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  async stop(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#replacement)
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(kill)
  }

  async #spawn(): Promise<void> {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        NODE_COMPILE_CACHE: COMPILED,
        ...process.env,
        STRAIGHTWAY_NODE: JSON.stringify(this.#config),
        STRAIGHTWAY_WATCH_STDIN: '1',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    let said = ''
    createInterface({ input: child.stderr! }).on('line', (line) => {
      said = line
      this.#log(line)
    })
    const lines = createInterface({ input: child.stdout! })
    const first = await Promise.race([once(lines, 'line'), once(child, 'close').then(() => undefined)])
    if (first === undefined) throw cannotStart(said)
    this.#ready = { ...(JSON.parse(String(first[0])) as Ready), pid: child.pid! }
    lines.on('line', (line) => this.#log(line))
    child.once('exit', (code, signal) => this.#ended(signal ?? `code ${code}`))
  }

  #ended(how: string): void {
    if (this.#stopping) return
    this.#log(`${this.#ready?.node} ended (${how}); a new node takes its place`)
    this.#replacement = setTimeout(() => {
      this.#spawn().catch((error: Error) => this.#ended(error.message))
    }, REPLACE_AFTER_MS)
  }
}

/** The error of a node that does not start. `said`: its last line on stderr, either `{what, detail}` or plain text. */
function cannotStart(said: string): StraightwayError {
  const why = detailOf(said)
  const advice = why.startsWith('cannot bind')
    ? ' Stop the process that has it, or choose other addresses with --addresses IP,IP.'
    : ''
  return new StraightwayError('unavailable', `A node cannot start: ${why}.${advice}`)
}

function detailOf(line: string): string {
  try {
    return (JSON.parse(line) as { detail: string }).detail
  } catch {
    return line
  }
}
