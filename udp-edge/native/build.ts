/**
 * `npm run build:native`: compiles `udp.c` for every platform it is shipped for and writes the files with their hashes.
 * `-- --check` compiles again and compares: it exits with 1 if a file is not what the source gives.
 * `-- --sanitize FILE` writes an addon for this machine with AddressSanitizer and UndefinedBehaviorSanitizer (needs gcc).
 *
 * The compiler is that of Zig, which comes from PyPI: it carries the old C library that the files are linked against, so
 * they run on every Linux with glibc 2.17 (2014) or later, and it gives the same bytes on every machine.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

const ZIG = '0.17.1'
const GLIBC = '2.17'
const TARGETS: Readonly<Record<string, string>> = { 'linux-x64': 'x86_64', 'linux-arm64': 'aarch64' }
const FLAGS = ['-O2', '-g0', '-s', '-fPIC', '-shared', '-Wall', '-Wextra', '-Werror']
const SANITIZERS = [
  '-g',
  '-O1',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fPIC',
  '-shared',
]

const here = import.meta.dirname
const prebuilds = join(here, 'prebuilds')
const sums = join(prebuilds, 'SHA256SUMS')
const headers = join(
  dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
  'include',
)

const { values } = parseArgs({ options: { check: { type: 'boolean' }, sanitize: { type: 'string' } } })

if (values.sanitize !== undefined) run('gcc', [...SANITIZERS, '-I', headers, '-o', values.sanitize, 'udp.c'])
else if (values.check) check()
else buildAll(prebuilds)

function buildAll(into: string): void {
  for (const platform of Object.keys(TARGETS)) compile(platform, into)
  writeFileSync(join(into, 'SHA256SUMS'), sumsOf(into))
}

function check(): void {
  const fresh = mkdtempSync(join(tmpdir(), 'straightway-native-'))
  try {
    buildAll(fresh)
    const [wanted, found] = [readFileSync(sums, 'utf8'), sumsOf(prebuilds)]
    const isSame = wanted === sumsOf(fresh) && wanted === found
    if (!isSame) console.error('The prebuilt files are not what udp.c gives: npm run build:native')
    console.log(sumsOf(fresh).trimEnd())
    process.exitCode = isSame ? 0 : 1
  } finally {
    rmSync(fresh, { recursive: true })
  }
}

function compile(platform: string, into: string): void {
  const out = join(into, platform, 'udp.node')
  mkdirSync(dirname(out), { recursive: true })
  const target = `${TARGETS[platform]}-linux-gnu.${GLIBC}`
  const env = { ...process.env, PYTHONPATH: zig() }
  run('python3', ['-m', 'ziglang', 'cc', '-target', target, ...FLAGS, '-I', headers, '-o', out, 'udp.c'], env)
}

/** Path of the compiler, which is fetched at the first use. */
function zig(): string {
  const place = join(tmpdir(), `straightway-zig-${ZIG}-${process.getuid?.() ?? 0}`)
  if (!existsSync(join(place, 'ziglang'))) {
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--target', place]
    run('python3', ['-m', 'pip', 'install', ...options, `ziglang==${ZIG}`], {
      ...process.env,
      PIP_ROOT_USER_ACTION: 'ignore',
    })
  }
  return place
}

function sumsOf(folder: string): string {
  const lineOf = (file: string) => `${sha256(join(folder, file))}  ${file}\n`
  return Object.keys(TARGETS)
    .map((platform) => lineOf(`${platform}/udp.node`))
    .join('')
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function run(command: string, args: readonly string[], env = process.env): void {
  execFileSync(command, args, { cwd: here, env, stdio: ['ignore', 'inherit', 'inherit'] })
}
