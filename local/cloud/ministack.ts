/**
 * MiniStack, an emulator of AWS in Python (MIT), from PyPI into the user's folder for caches: in a virtual environment, or
 * by pip alone where Python has none, as Debian's has not until python3-venv is installed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'

/** What the suite of the emulator has passed with. */
const VERSION = '1.5.33'
const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '5']
const WANTED = `ministack==${VERSION}`

export interface Ministack {
  readonly python: string
  readonly env: Readonly<Record<string, string>>
}

/** Errors: `unavailable` where Python or the package cannot be had. */
export function installMinistack(log: (line: string) => void): Ministack {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'straightway', `ministack-${VERSION}`)
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return installedIn(folder)
  log(`Installing MiniStack ${VERSION} into ${folder}`)
  const failures: string[] = []
  for (const install of [intoEnvironment, intoFolder]) {
    const failure = failureOf(() => install(folder))
    if (failure === undefined) {
      mkdirSync(complete)
      return installedIn(folder)
    }
    failures.push(failure)
  }
  throw new StraightwayError(
    'unavailable',
    `MiniStack needs python3 with venv or pip, and PyPI. ${failures.join(' ')}`,
  )
}

function installedIn(folder: string): Ministack {
  const python = pythonOf(folder)
  return existsSync(python) ? { python, env: {} } : { python: 'python3', env: { PYTHONPATH: folder } }
}

const pythonOf = (folder: string): string => join(folder, 'bin', 'python')

function intoEnvironment(folder: string): void {
  run('python3', ['-m', 'venv', '--clear', folder])
  run(pythonOf(folder), [...PIP, WANTED])
}

function intoFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  run('python3', [...PIP, '--target', folder, WANTED])
}

const run = (command: string, arguments_: readonly string[]) =>
  execFileSync(command, arguments_, { stdio: 'pipe', encoding: 'utf8' })

function failureOf(install: () => void): string | undefined {
  try {
    install()
    return undefined
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string }
    return (stderr || message).trim()
  }
}
