/** Tries mutants in a copy of the tree, so that the sources stay as they are while tests run. */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Importers } from './imports.ts'
import { mutated } from './mutants.ts'
import { type Drawn, ROOT, textOf } from './sample.ts'

/** Longest time of one run of tests: a mutant whose tests do not end by then is killed, as CI would never pass it. */
const LONGEST_MS = 300_000
/** Tests that take no part: they need root, an emulator or another package, or test this program. */
const APART = /^test\/(natlab|infra|rest|package|examples|account|mutate|bench)\//

const LS_FILES = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']

export class Trial {
  readonly #tree = mkdtempSync(join(tmpdir(), 'straightway-mutate-'))
  readonly #importers: Importers
  /** Runs of tests that passed without a fault. */
  readonly #sound = new Set<string>()

  constructor() {
    const files = execFileSync('git', LS_FILES, { cwd: ROOT, encoding: 'utf8' }).split('\0')
    for (const file of files.filter(Boolean)) cpSync(join(ROOT, file), join(this.#tree, file))
    symlinkSync(join(ROOT, 'node_modules'), join(this.#tree, 'node_modules'))
    const sources = globSync('{shared,functions,udp-edge,peer,local,serve,cli,canary,system,test}/**/*.ts', {
      cwd: this.#tree,
    })
    this.#importers = new Importers(
      new Map(sources.map((file) => [file, readFileSync(join(this.#tree, file), 'utf8')])),
    )
  }

  /**
   * Resolves with the tests that failed first, or undefined if the mutant lives. The nearest tests run first. Rejects if the
   * tests fail without it.
   */
  async killer({ file, mutant }: Drawn): Promise<string | undefined> {
    const text = textOf(file)
    for (const ring of this.#rings(file)) {
      writeFileSync(join(this.#tree, file), mutated(text, mutant))
      const passed = await this.#passes(ring)
      writeFileSync(join(this.#tree, file), text)
      if (passed) continue
      await this.#prove(ring)
      return ring.join(' ')
    }
    return undefined
  }

  close(): void {
    rmSync(this.#tree, { recursive: true })
  }

  /** Two runs: the nearest tests, which kill most mutants, and then all others. */
  #rings(file: string): string[][] {
    const mirrored = `test/${file.replace(/\.ts$/, '.test.ts').replace(/^shared\//, '')}`
    const [nearest = [], ...others] = this.#importers
      .testsOf(file)
      .map((ring) => ring.filter((test) => !APART.test(test)))
      .filter((ring) => ring.length > 0)
    const first = nearest.length > 0 ? nearest : [mirrored]
    return [first, others.flat().filter((test) => !first.includes(test))].filter((ring) => ring.length > 0)
  }

  /** Runs tests that failed once more, without the fault. */
  async #prove(ring: readonly string[]): Promise<void> {
    const name = ring.join(' ')
    if (this.#sound.has(name)) return
    if (!(await this.#passes(ring))) throw new Error(`These tests fail without a fault too: ${name}`)
    this.#sound.add(name)
  }

  #passes(tests: readonly string[]): Promise<boolean> {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    const args = [
      vitest,
      'run',
      '--config',
      'test/mutate/vitest.config.ts',
      '--silent',
      '--reporter=dot',
      ...tests,
    ]
    const run = spawn(process.execPath, args, { cwd: this.#tree, stdio: 'ignore', detached: true })
    return new Promise((resolve) => {
      const timer = setTimeout(() => process.kill(-run.pid!, 'SIGKILL'), LONGEST_MS)
      run.once('exit', (code) => {
        clearTimeout(timer)
        resolve(code === 0)
      })
    })
  }
}
