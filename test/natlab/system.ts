/** The product in the laboratory, run as users do: `npm start` at the server, the CLI at the hosts. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Lab, RELAY_IP, RELAY_IPV6, SERVER_IPS, SERVER_IPV6S, type SideName } from './lab.ts'

const pathTo = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url))

const START = pathTo('local/start.ts')
const CLI = pathTo('cli/straightway.js')
const HTTP = `${SERVER_IPS[0]}:8787`

export interface PeerInLab extends AsyncDisposable {
  readonly peer: string
}

export class SystemInLab {
  readonly index: string
  readonly #lab: Lab
  readonly #invite: string
  readonly #directory: string
  #homes = 0

  private constructor(lab: Lab, directory: string, started: { index: string; invite: string }) {
    this.#lab = lab
    this.#directory = directory
    this.index = started.index
    this.#invite = started.invite
  }

  /** Starts the system and resolves when it is ready. It ends with the laboratory. */
  static async start(lab: Lab): Promise<SystemInLab> {
    const directory = await mkdtemp(join(tmpdir(), 'straightway-natlab-'))
    const addresses = [...SERVER_IPS, RELAY_IP].join()
    const ipv6 = [...SERVER_IPV6S, RELAY_IPV6].join()
    const options = [
      '--addresses',
      addresses,
      '--ipv6',
      ipv6,
      '--http',
      HTTP,
      '--data',
      join(directory, 'data'),
    ]
    const command = [process.execPath, START, ...options, '--json']
    return new SystemInLab(lab, directory, await firstLine(lab.spawn('server', command, PIPED)))
  }

  /** Starts a peer that answers offers until it is disposed of. Each peer has its own home directory. */
  async up(host: SideName): Promise<PeerInLab> {
    const child = this.#lab.spawn(host, this.#cli('up'), PIPED)
    const { peer } = await firstLine<{ peer: string }>(child)
    return { peer, [Symbol.asyncDispose]: () => ended(child) }
  }

  /** Returns what `straightway ping` prints about a tunnel to the peer. */
  async ping<T>(host: SideName, peer: string, ...options: string[]): Promise<T> {
    return JSON.parse(await this.#lab.run(host, this.#cli('ping', peer, ...options)))
  }

  /** Returns what a new peer needs to join, and a home directory of its own. */
  enrolment(): { readonly index: string; readonly invite: string; readonly home: string } {
    const home = join(this.#directory, `home-${++this.#homes}`)
    return { index: this.index, invite: this.#invite, home }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  #cli(...verb: string[]): string[] {
    const { index, invite, home } = this.enrolment()
    const common = ['--index', index, '--invite', invite, '--home', home]
    return [process.execPath, CLI, ...verb, ...common, '--json']
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}

const PIPED: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] }

/** Returns the first line of JSON that a process prints. Rejects with its error output if it fails or ends first. */
function firstLine<T>(child: ChildProcess): Promise<T> {
  let said = ''
  child.stderr!.on('data', (text) => {
    said += text
  })
  return new Promise((resolve, reject) => {
    createInterface(child.stdout!).once('line', (line) => {
      const value: T & { code?: string } = JSON.parse(line)
      if (value.code === undefined) resolve(value)
      else reject(new Error(line))
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)))
  })
}
