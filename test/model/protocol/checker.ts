/** Makes a checker out of the model with spin and gcc, and explores bounds with it. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bound } from './bounds.ts'

const MODEL = join(import.meta.dirname, 'messages.pml')
/** Memory of one exploration, in MB. */
const MEMORY = 6000
const DEPTH = 200_000
const run = promisify(execFile)

/** The result of an exploration. `violation`: the assertion that failed, and the steps that led there. */
export interface Exploration {
  readonly states: number
  readonly isComplete: boolean
  readonly violation?: { readonly assertion: string; readonly steps: readonly string[] }
}

/** The tools that are missing on this machine. */
export const missingTools = (): string[] => ['spin', 'gcc'].filter((tool) => !isThere(tool))

export class Checker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'straightway-model-'))

  /** Throws if the model does not compile. It takes about half a minute. */
  async compile(): Promise<void> {
    const { stdout } = await run('spin', ['-a', MODEL], { cwd: this.#folder })
    if (/Error/.test(stdout)) throw new Error(stdout)
    const options = ['-O1', '-DSAFETY', '-DHC4', '-DNOREDUCE', '-DVECTORSZ=4096', `-DMEMLIM=${MEMORY}`]
    await run('gcc', [...options, '-o', 'pan', 'pan.c'], { cwd: this.#folder })
  }

  /** Visits everything within a bound, and stops at the first violation. */
  async explore(bound: Bound, mistake = 0): Promise<Exploration> {
    const env = { ...process.env, ...variablesOf(bound, mistake) }
    const options = { cwd: this.#folder, env, maxBuffer: 1 << 28 }
    rmSync(join(this.#folder, 'messages.pml.trail'), { force: true })
    const { stdout } = await run('./pan', [`-m${DEPTH}`], options)
    const states = Number(/(\d+) states, stored/.exec(stdout)?.[1] ?? 0)
    const isComplete =
      states > 0 && !/max search depth too small|reached -DMEMLIM|Search not completed/.test(stdout)
    const assertion = /assertion violated (.*) \(at depth/.exec(stdout)?.[1] ?? otherError(stdout)
    if (assertion === undefined) return { states, isComplete }
    return { states, isComplete, violation: { assertion, steps: await this.#steps(options) } }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The statements of the last counterexample, with who executed them. */
  async #steps(options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Promise<string[]> {
    if (!existsSync(join(this.#folder, 'messages.pml.trail'))) return []
    const { stdout } = await run('./pan', ['-r', 'messages.pml.trail'], {
      ...options,
      maxBuffer: 1 << 28,
    }).catch(({ stdout: text }: { stdout: string }) => ({ stdout: text }))
    return stdout.split('\n').flatMap((line) => {
      const found = /proc +\d+ \((\S+?)\) \S*messages\.pml:(\d+) \(state \d+\)\s+\[(.*)/.exec(line)
      return found ? [`${found[1]} line ${found[2]}: ${found[3]}`] : []
    })
  }
}

/** An error of the exploration that is no failed assertion. */
const otherError = (stdout: string): string | undefined =>
  Number(/errors: (\d+)/.exec(stdout)?.[1] ?? 1) > 0
    ? (/pan:\d+: (.*)/.exec(stdout)?.[1] ?? 'no result')
    : undefined

function variablesOf(bound: Bound, mistake: number): Record<string, string> {
  const counts = Object.entries({ messages: 2, ...bound })
  const name = (word: string) => word.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
  return {
    ...Object.fromEntries(counts.map(([word, count]) => [name(word), `${count}`])),
    MISTAKE: `${mistake}`,
  }
}

function isThere(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
