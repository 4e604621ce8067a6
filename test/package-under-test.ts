/** The packages as a user gets them: built, packed, and unpacked elsewhere. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

export type PackageName = 'straightway' | '@straightway/system'

export interface Packed {
  /** Path of the archive for `npm install`. */
  readonly archive: string
  /** Paths of its files. */
  readonly files: readonly string[]
  readonly unpackedBytes: number
}

export interface PackageUnderTest {
  /** Folder of the user's project. */
  readonly folder: string
  /** Folder of the package installed in it. */
  readonly installed: string
  write(name: string, text: string): void
  /** Returns what Node prints with these arguments in that project. */
  node(...arguments_: string[]): string
  /** Returns the compiler's output for a file there. */
  types(name: string, ...flags: string[]): string
  /** Links another package of the checkout next to ours. Only our own part is tested, and no registry is used. */
  link(name: string): void
  remove(): void
}

/** Builds a package and packs it into the folder. */
export function pack(name: PackageName, into: string): Packed {
  const which = name === 'straightway' ? [] : ['--workspace', name]
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', into, ...which], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [packed] = JSON.parse(said.slice(said.indexOf('['))) as [
    { filename: string; unpackedSize: number; files: readonly { readonly path: string }[] },
  ]
  const { filename, unpackedSize, files } = packed
  return {
    archive: join(into, filename),
    files: files.map(({ path }) => path),
    unpackedBytes: unpackedSize,
  }
}

/** Makes a project with these packages, and links to their dependencies. */
export function installPackages(...names: PackageName[]): PackageUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-package-'))
  const packages = join(folder, 'node_modules')
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const link = (name: string) => {
    const at = join(packages, name)
    if (existsSync(at)) return
    mkdirSync(dirname(at), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), at)
  }
  write('package.json', '{ "type": "module" }')
  for (const name of names) {
    const installed = join(packages, name)
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xzf', pack(name, folder).archive, '--strip-components=1', '-C', installed])
  }
  for (const name of names) for (const needed of dependenciesOf(join(packages, name))) link(needed)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
  return {
    folder,
    installed: join(packages, names[0]!),
    write,
    node: (...arguments_) =>
      execFileSync(process.execPath, arguments_, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    types: (name, ...more) =>
      spawnSync(process.execPath, [compiler, ...flags, ...more, name], { cwd: folder, encoding: 'utf8' })
        .stdout,
    link,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function dependenciesOf(installed: string): string[] {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(installed, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]
}
