/**
 * Offers to install the embedded engine before the first start on a machine without one. It asks the registry for the
 * engine of the platform and shows the command that installs it. It runs the command if the user at the terminal
 * agrees. In any case, engine-choice.ts then chooses the first engine that is available.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { promisify } from 'node:util'
import {
  chooseEngine,
  ENGINE_VERSION,
  type Machine,
  OLDEST_GLIBC,
  packageOf,
  runsEngine,
} from './engine-choice.ts'

const ROOT = join(import.meta.dirname, '..')
/** A registry that does not answer within this time counts as one without the engine. */
const REGISTRY_MS = 10_000

/** The machine's environment. */
export interface Surroundings {
  readonly machine: Machine
  /** True if the registry has `name@version`. */
  readonly isPublished: (spec: string) => Promise<boolean>
  /** Asks the user at the terminal; undefined if there is no terminal. */
  readonly agree: ((question: string) => Promise<boolean>) | undefined
  /** Runs npm with these arguments. Rejects if that fails. */
  readonly install: (args: readonly string[]) => Promise<void>
  readonly say: (line: string) => void
}

/** Makes the offer. Never rejects: it prints what is not available. */
export async function offerEngine(around: Surroundings): Promise<void> {
  const { machine, isPublished, say } = around
  const name = packageOf(machine)
  if (machine.embedded(name) !== undefined && runsEngine(machine)) return
  const spec = `${name}@${ENGINE_VERSION}`
  if (!runsEngine(machine))
    say(`The embedded DynamoDB needs glibc ${OLDEST_GLIBC}; here is ${machine.glibc}.`)
  else if (await isPublished(spec)) await offer(around, ['install', '--no-save', spec])
  else say(`The registry has no embedded DynamoDB for this platform (${spec}).`)
  sayInstead(around)
}

async function offer({ agree, install, say }: Surroundings, args: readonly string[]): Promise<void> {
  say(`\`npm ${args.join(' ')}\` brings the embedded DynamoDB of this platform.`)
  if (agree === undefined || !(await agree('Run it now? [Y/n] '))) return
  await install(args).catch((error) => say(`It could not be installed: ${error.message}`))
}

function sayInstead({ machine, say }: Surroundings): void {
  try {
    const { kind } = chooseEngine(machine)
    if (kind !== 'embedded') say(`DynamoDB Local is used instead, by ${kind === 'java' ? 'Java' : 'Docker'}.`)
  } catch {
    // The start itself gives advice.
  }
}

/** Environment of this process: the registry that npm uses, and the terminal if there is one. */
export function surroundings(machine: Machine, say: (line: string) => void): Surroundings {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  return { machine, isPublished, agree: isTerminal ? agree : undefined, install, say }
}

async function isPublished(spec: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['view', spec, 'version'], {
      timeout: REGISTRY_MS,
      shell: process.platform === 'win32',
    })
    return stdout.trim() !== ''
  } catch {
    return false
  }
}

/** Asks a question. Enter means yes. */
async function agree(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const ended = once(terminal, 'close').then(() => 'n')
    return /^\s*(y|yes)?\s*$/i.test(await Promise.race([terminal.question(question), ended]))
  } finally {
    terminal.close()
  }
}

async function install(args: readonly string[]): Promise<void> {
  const npm = spawn('npm', args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) throw new Error(`npm ended with ${code}.`)
}
