/**
 * Chooses the DynamoDB of this machine, the first of these that it can run:
 *
 *   1. the embedded engine of its platform, a package of npm
 *   2. DynamoDB Local by Java, if DYNAMODB_LOCAL names the folder that has DynamoDBLocal.jar
 *   3. DynamoDB Local by Docker
 *
 * `DYNAMODB_ENDPOINT` takes precedence over all of them (engine.ts).
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StraightwayError } from '../shared/errors.ts'

/** Version of the engine on every platform, and of the optional dependency in system/package.json. */
export const ENGINE_VERSION = '1.2.1'
/** Oldest glibc that the engine for Linux runs on. */
export const OLDEST_GLIBC = '2.33'
const IMAGE = 'amazon/dynamodb-local'
const JAR = 'DynamoDBLocal.jar'

/** Facts about a machine. */
export interface Machine {
  readonly platform: string
  readonly arch: string
  /** True if its C library is musl, as on Alpine: a binary for glibc does not start there. */
  readonly isMusl: boolean
  /** Version of its glibc, such as `2.36`; undefined if it has none. */
  readonly glibc: string | undefined
  /** Path of the engine in a package; undefined if that is not installed. */
  readonly embedded: (packageName: string) => string | undefined
  /** Path of DynamoDBLocal.jar; undefined unless DYNAMODB_LOCAL leads there. */
  readonly jar: string | undefined
  /** True if a command works. */
  readonly has: (command: 'java' | 'docker') => boolean
}

export interface EngineChoice {
  readonly kind: 'embedded' | 'java' | 'docker'
  readonly command: string
  /** Arguments for a port and a folder that keeps the tables. Without a folder the tables are in memory. */
  readonly args: (port: number, folder: string | undefined) => readonly string[]
}

/** Name of the npm package with the engine for a machine. */
export function packageOf({ platform, arch, isMusl }: Pick<Machine, 'platform' | 'arch' | 'isMusl'>): string {
  return `@dynoxide/${platform}-${arch}${isMusl ? '-musl' : ''}`
}

/** True if the engine for the platform can start, installed or not. */
export function runsEngine({ glibc }: Pick<Machine, 'glibc'>): boolean {
  return glibc === undefined || numberOf(glibc) >= numberOf(OLDEST_GLIBC)
}

/** Chooses an engine. Throws `unavailable` with installation advice if there is none. */
export function chooseEngine(machine: Machine): EngineChoice {
  const embedded = runsEngine(machine) ? machine.embedded(packageOf(machine)) : undefined
  if (embedded !== undefined) return byBinary(embedded)
  if (machine.jar !== undefined && machine.has('java')) return byJava(machine.jar)
  if (machine.has('docker')) return byDocker()
  throw new StraightwayError('unavailable', adviceFor(machine))
}

/** Facts about this machine. */
export function thisMachine(): Machine {
  const folder = process.env.DYNAMODB_LOCAL
  const jar = folder === undefined ? undefined : join(folder, JAR)
  return {
    platform: process.platform,
    arch: process.arch,
    isMusl: process.platform === 'linux' && glibcVersion() === undefined,
    glibc: glibcVersion(),
    embedded: binaryOf,
    jar: jar !== undefined && existsSync(jar) ? jar : undefined,
    has: (command) =>
      spawnSync(command, [command === 'java' ? '-version' : 'info'], { stdio: 'ignore' }).status === 0,
  }
}

function byBinary(command: string): EngineChoice {
  const args = (port: number, folder: string | undefined) => [
    ...['--host', '127.0.0.1', '--port', `${port}`],
    ...(folder === undefined ? [] : ['--db-path', join(folder, 'tables.sqlite')]),
  ]
  return { kind: 'embedded', command, args }
}

function byJava(jar: string): EngineChoice {
  const libraries = `-Djava.library.path=${join(dirname(jar), 'DynamoDBLocal_lib')}`
  const args = (port: number, folder: string | undefined) => [
    ...[libraries, '-jar', jar, '-sharedDb', '-disableTelemetry', '-port', `${port}`],
    ...(folder === undefined ? ['-inMemory'] : ['-dbPath', folder]),
  ]
  return { kind: 'java', command: 'java', args }
}

function byDocker(): EngineChoice {
  const args = (port: number, folder: string | undefined) => [
    ...['run', '--rm', '-p', `127.0.0.1:${port}:8000`],
    ...(folder === undefined ? [] : ['-v', `${folder}:/data`, '--user', `${process.getuid?.() ?? 0}`]),
    ...[IMAGE, '-jar', JAR, '-sharedDb', '-disableTelemetry'],
    ...(folder === undefined ? ['-inMemory'] : ['-dbPath', '/data']),
  ]
  return { kind: 'docker', command: 'docker', args }
}

function adviceFor(machine: Machine): string {
  const java = machine.has('java')
    ? `set DYNAMODB_LOCAL to the folder of DynamoDB Local, which has ${JAR}`
    : `install Java 17 and DynamoDB Local, and set DYNAMODB_LOCAL to its folder`
  const engine = runsEngine(machine)
    ? `\`npm install --no-save ${packageOf(machine)}@${ENGINE_VERSION}\`, if the registry has it`
    : `a system with glibc ${OLDEST_GLIBC} or later (here is ${machine.glibc})`
  return [
    `There is no DynamoDB for ${machine.platform}-${machine.arch}${machine.isMusl ? ' with musl' : ''} here. One of these helps:`,
    `(a) ${engine};`,
    `(b) ${java};`,
    '(c) start Docker;',
    '(d) set DYNAMODB_ENDPOINT to the address of a DynamoDB.',
  ].join(' ')
}

function binaryOf(packageName: string): string | undefined {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`))
    const binary = join(folder, process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide')
    return existsSync(binary) ? binary : undefined
  } catch {
    return undefined
  }
}

/** Version of glibc in Node's report; undefined with another C library. */
function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime
}

/** The version as a number: 2033 for `2.33`. */
function numberOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return 1000 * major + minor
}
