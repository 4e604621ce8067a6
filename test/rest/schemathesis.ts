/** Schemathesis from PyPI, in its own virtual environment, which later runs reuse. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = '4.32.5'
const HOME = join(tmpdir(), `straightway-schemathesis-${VERSION}`)
const PROGRAM = join(HOME, 'bin', 'schemathesis')
const INSTALL_MS = 200_000
const run = promisify(execFile)

/** Installs schemathesis. Undefined if this machine has no Python or cannot reach PyPI. */
export async function installSchemathesis(): Promise<string | undefined> {
  if (existsSync(PROGRAM)) return PROGRAM
  try {
    await run('python3', ['-m', 'venv', HOME], { timeout: INSTALL_MS })
    const install = ['install', '--quiet', `schemathesis==${VERSION}`]
    await run(join(HOME, 'bin', 'pip'), install, { timeout: INSTALL_MS })
    return PROGRAM
  } catch {
    return undefined
  }
}

export interface Fuzzing {
  readonly program: string
  readonly url: string
  readonly credential: string
  /** Path of its configuration file, which contains the values of path parameters. */
  readonly config: string
  readonly exclude: readonly string[]
}

/** Checks: no 5xx, no undocumented status, and every body matches its schema. */
const CHECKS =
  'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance'

/** Returns its findings as printed; empty if there are none. */
export async function fuzz({ program, url, credential, config, exclude }: Fuzzing): Promise<string> {
  const given = [
    ...['--config-file', config, 'run', `${url}/v1/openapi.json`, '--url', url],
    ...['-H', `Authorization: Bearer ${credential}`, '--checks', CHECKS, '--phases', 'examples,fuzzing'],
    ...['--max-examples', '12', '--seed', '7', '--no-shrink', '--no-color', '--continue-on-failure'],
    ...['--generation-database', 'none', '--warnings', 'off'],
    ...exclude.flatMap((operation) => ['--exclude-operation-id', operation]),
  ]
  try {
    await run(program, given, { cwd: dirname(config), maxBuffer: 64 * 1024 * 1024 })
    return ''
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return `${stdout}${stderr}`
  }
}
