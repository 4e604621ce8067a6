/**
 * Network namespaces of one run. Their names carry the process id, so that runs do not meet, and whatever a run that was
 * killed has left behind is removed by the next one.
 */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'

const PREFIX = 'straightway'
const DIRECTORY = '/run/netns'
const run = promisify(execFile)

/** One end of a wire: which namespace, what the interface is called there, its address with prefix length. */
export interface End {
  readonly at: string
  readonly name: string
  readonly addresses: readonly string[]
}

export class Namespaces {
  static #made = 0
  readonly #prefix = `${PREFIX}-${process.pid}-${Namespaces.#made++}`
  readonly #names = new Set<string>()
  readonly #processes = new Set<ChildProcess>()
  readonly #atExit = () => this.#remove()

  constructor() {
    removeAbandoned()
    process.once('exit', this.#atExit)
  }

  add(name: string): void {
    this.#names.add(name)
    ip('netns', 'add', this.#full(name))
    this.ip(name, 'link', 'set', 'lo', 'up')
    this.exec(name, ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'])
  }

  /** A wire between two namespaces. */
  wire(a: End, b: End): void {
    const [to, from] = [this.#full(a.at), this.#full(b.at)]
    ip('link', 'add', a.name, 'netns', to, 'type', 'veth', 'peer', 'name', b.name, 'netns', from)
    for (const { at, name, addresses } of [a, b]) {
      for (const address of addresses) this.ip(at, 'address', 'add', address, 'dev', name)
      this.ip(at, 'link', 'set', name, 'up')
    }
  }

  route(at: string, destination: string, via: string): void {
    this.ip(at, 'route', 'replace', destination, 'via', via)
  }

  ip(at: string, ...args: string[]): void {
    ip('-n', this.#full(at), ...args)
  }

  /** Runs a command inside to its end; what it printed. */
  exec(at: string, [command, ...args]: readonly [string, ...string[]], input?: string): string {
    const inside = ['netns', 'exec', this.#full(at), command, ...args]
    return execFileSync('ip', inside, {
      encoding: 'utf8',
      stdio: 'pipe',
      ...(input !== undefined && { input }),
    })
  }

  /** The same without blocking this process. Rejects when it ends with another code than 0. */
  async run(at: string, command: readonly string[], timeoutMs = 60_000): Promise<string> {
    const inside = ['netns', 'exec', this.#full(at), ...command]
    return (await run('ip', inside, { encoding: 'utf8', timeout: timeoutMs })).stdout
  }

  /** A process inside that lives until `close`, or until it ends by itself. */
  spawn(at: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#full(at), ...command], { ...options, detached: true })
    this.#processes.add(child)
    child.once('exit', () => this.#processes.delete(child))
    return child
  }

  async close(): Promise<void> {
    const ended = [...this.#processes].map((child) => new Promise((resolve) => child.once('exit', resolve)))
    this.#kill('SIGTERM')
    const patience = setTimeout(() => this.#kill('SIGKILL'), 5000)
    await Promise.all(ended)
    clearTimeout(patience)
    process.off('exit', this.#atExit)
    this.#remove()
  }

  /** Each is the leader of a group of its own. */
  #kill(signal: NodeJS.Signals): void {
    for (const { pid } of this.#processes) if (pid !== undefined) killGroup(pid, signal)
  }

  #remove(): void {
    this.#kill('SIGKILL')
    for (const name of this.#names) ip('netns', 'delete', this.#full(name))
    this.#names.clear()
  }

  #full(name: string): string {
    return `${this.#prefix}-${name}`
  }
}

/** It may have ended by itself meanwhile. */
function killGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function removeAbandoned(): void {
  if (!existsSync(DIRECTORY)) return
  for (const name of readdirSync(DIRECTORY)) {
    const [prefix, pid] = name.split('-')
    if (prefix === PREFIX && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name)
  }
}
