/**
 * Installs a Python program from PyPI into the user's cache folder. It uses a virtual environment, or pip alone if
 * Python has no venv, as on Debian without python3-venv.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'

const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '5']

export interface PythonPackage {
  /** The interpreter; run `python -m MODULE` with the variables in `env`. */
  readonly python: string
  readonly env: Readonly<Record<string, string>>
}

interface Wanted {
  /** Extra of the package: a set of optional dependencies. */
  readonly extra?: string
  /** Requirements for dependencies whose declared versions are too broad. */
  readonly pins?: readonly string[]
}

/** Folder for a tool that is not in package.json. */
export function cacheFolder(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'straightway', name)
}

/** Installs the package the first time. Throws `unavailable` if Python or the package is not available. */
export function installPython(
  name: string,
  version: string,
  log: (line: string) => void,
  { extra, pins = [] }: Wanted = {},
): PythonPackage {
  const folder = cacheFolder(`${name}-${version}`)
  const wanted = [`${name}${extra ? `[${extra}]` : ''}==${version}`, ...pins]
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return installedIn(folder)
  log(`Installing ${name} ${version} into ${folder}`)
  const failures: string[] = []
  for (const install of [intoEnvironment, intoFolder]) {
    const failure = failureOf(() => install(folder, wanted))
    if (failure === undefined) {
      mkdirSync(complete)
      return installedIn(folder)
    }
    failures.push(failure)
  }
  throw new StraightwayError(
    'unavailable',
    `${name} needs python3 with venv or pip, and PyPI. ${failures.join(' ')}`,
  )
}

function installedIn(folder: string): PythonPackage {
  const python = pythonOf(folder)
  return existsSync(python) ? { python, env: {} } : { python: 'python3', env: { PYTHONPATH: folder } }
}

const pythonOf = (folder: string): string => join(folder, 'bin', 'python')

function intoEnvironment(folder: string, wanted: readonly string[]): void {
  run('python3', ['-m', 'venv', '--clear', folder])
  run(pythonOf(folder), [...PIP, ...wanted])
}

function intoFolder(folder: string, wanted: readonly string[]): void {
  rmSync(folder, { recursive: true, force: true })
  run('python3', [...PIP, '--target', folder, ...wanted])
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
