/** The package as a stranger gets it: built, packed, and unpacked elsewhere. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

export interface PackageUnderTest {
  /** Of the stranger's project. */
  readonly folder: string
  /** Of the package in it. */
  readonly installed: string
  /** Paths of what was packed. */
  readonly files: readonly string[]
  write(name: string, text: string): void
  /** What Node prints with these arguments in that project. */
  node(...arguments_: string[]): string
  /** What the compiler says of a file there. */
  types(name: string, ...flags: string[]): string
  /** Another package beside ours, that of the checkout: what is tested is our own part, and no registry is asked. */
  link(name: string): void
  remove(): void
}

export function installPackage(): PackageUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-package-'))
  const packages = join(folder, 'node_modules')
  const installed = join(packages, 'straightway')
  const node = (...arguments_: string[]) =>
    execFileSync(process.execPath, arguments_, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const link = (name: string) => {
    mkdirSync(dirname(join(packages, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(packages, name))
  }
  const files = unpack(folder, installed)
  write('package.json', '{ "type": "module" }')
  const { dependencies } = JSON.parse(node('-p', 'JSON.stringify(require("straightway/package.json"))')) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(dependencies)) link(name)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
  return {
    folder,
    installed,
    files,
    write,
    node,
    types: (name, ...more) =>
      spawnSync(process.execPath, [compiler, ...flags, ...more, name], { cwd: folder, encoding: 'utf8' })
        .stdout,
    link,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What `npm pack --json` says, after what the build does. */
interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

function unpack(folder: string, installed: string): string[] {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  })
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('['))) as [Packed]
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', installed])
  return files.map(({ path }) => path)
}
