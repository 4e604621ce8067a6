/**
 * The network namespaces of one run. Their names contain the process id, so that runs do not collide. If a run was killed,
 * the next run removes what it left behind.
 */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'

const PREFIX = 'straightway'
const DIRECTORY = '/run/netns'
/** Kernel settings of each namespace. By default IPv6 waits two seconds before it uses an address, to detect duplicates. */
const SETTINGS = [
  'net.ipv4.ip_forward=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.default.accept_dad=0',
] as const
const run = promisify(execFile)

/** One end of a wire: its namespace, its interface name there, and its addresses with prefix lengths. */
export interface End {
  readonly at: string
  readonly name: string
  readonly addresses: readonly string[]
}

export class Namespaces {
  static #made = 0
  readonly #prefix = `${PREFIX}-${process.pid}-${Namespaces.#made++}`
  readonly #names = new Set<string>()
  /** Running processes and the namespace of each. */
  readonly #processes = new Map<ChildProcess, string>()
  readonly #atExit = () => this.#remove()

  constructor() {
    removeAbandoned()
    process.once('exit', this.#atExit)
  }

  add(name: string): void {
    this.#names.add(name)
    ip('netns', 'add', this.#full(name))
    this.ip(name, 'link', 'set', 'lo', 'up')
    this.exec(name, ['sysctl', '-qw', ...SETTINGS])
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Removes a namespace and kills its processes. The kernel removes its wires and bridges a little later. */
  remove(name: string): void {
    for (const [child, at] of this.#processes) if (at === name) killGroup(child, 'SIGKILL')
    ip('netns', 'delete', this.#full(name))
    this.#names.delete(name)
  }

  /** Joins two namespaces with a wire. */
  wire(a: End, b: End): void {
    const [to, from] = [this.#full(a.at), this.#full(b.at)]
    ip('link', 'add', a.name, 'netns', to, 'type', 'veth', 'peer', 'name', b.name, 'netns', from)
    for (const end of [a, b]) this.raise(end)
  }

  /** Gives an existing interface its addresses and brings it up. */
  raise({ at, name, addresses }: End): void {
    for (const address of addresses) this.ip(at, 'address', 'add', address, 'dev', name)
    this.ip(at, 'link', 'set', name, 'up')
  }

  /** Returns the path of the file that represents a namespace. */
  file(name: string): string {
    return `${DIRECTORY}/${this.#full(name)}`
  }

  route(at: string, destination: string, via: string): void {
    this.ip(at, 'route', 'replace', destination, 'via', via)
  }

  ip(at: string, ...args: string[]): void {
    ip('-n', this.#full(at), ...args)
  }

  /** Runs a command inside to its end and returns its output. */
  exec(at: string, [command, ...args]: readonly [string, ...string[]], input?: string): string {
    const inside = ['netns', 'exec', this.#full(at), command, ...args]
    return execFileSync('ip', inside, {
      encoding: 'utf8',
      stdio: 'pipe',
      ...(input !== undefined && { input }),
    })
  }

  /** Like `exec`, without blocking this process. Rejects if the command exits with another code than 0. */
  async run(at: string, command: readonly string[], timeoutMs = 60_000): Promise<string> {
    const inside = ['netns', 'exec', this.#full(at), ...command]
    return (await run('ip', inside, { encoding: 'utf8', timeout: timeoutMs })).stdout
  }

  /** Starts a process inside. It lives until `close` unless it ends by itself. */
  spawn(at: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#full(at), ...command], { ...options, detached: true })
    this.#processes.set(child, at)
    child.once('exit', () => this.#processes.delete(child))
    return child
  }

  async close(): Promise<void> {
    const ended = [...this.#processes.keys()].map(
      (child) => new Promise((resolve) => child.once('exit', resolve)),
    )
    this.#kill('SIGTERM')
    const patience = setTimeout(() => this.#kill('SIGKILL'), 5000)
    await Promise.all(ended)
    clearTimeout(patience)
    process.off('exit', this.#atExit)
    this.#remove()
  }

  /** Kills all processes with their process groups; each leads its own. */
  #kill(signal: NodeJS.Signals): void {
    for (const child of this.#processes.keys()) killGroup(child, signal)
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

/** The process may have ended by itself meanwhile. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
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
