/** Native packages for Linux, as they go into an asset beside a bundle. They load a binary from their own folder. */
import { cpSync, existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { StraightwayError } from '../shared/errors.ts'

export const PLATFORMS = ['linux-arm64', 'linux-x64'] as const

/** Copies a package and its runtime dependencies into `out`/node_modules. Errors: `not-found` if one is not installed. */
export function copyNative(name: string, out: string): void {
  for (const [each, folder] of closureOf(name, import.meta.filename))
    copyPackage(folder, join(out, 'node_modules', each))
}

/** Folders of a package and of its runtime dependencies, by package name. Each is resolved from the package that needs it. */
function closureOf(name: string, from: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(name)) return seen
  const folder = folderOf(name, from)
  seen.set(name, folder)
  const manifest = join(folder, 'package.json')
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const dependency of Object.keys(dependencies)) closureOf(dependency, manifest, seen)
  return seen
}

/** Folder of a package, searched in the places where Node.js searches: not all packages export their manifest. */
function folderOf(name: string, from: string): string {
  const places = createRequire(from).resolve.paths(name) ?? []
  const found = places.map((place) => join(place, name)).find((folder) => existsSync(folder))
  if (found !== undefined) return realpathSync(found)
  throw new StraightwayError('not-found', `${name} is not installed: npm install`)
}

function copyPackage(folder: string, target: string): void {
  cpSync(folder, target, {
    recursive: true,
    filter: (source) => !/\/(node_modules|deps|test|\.github)$/.test(source.slice(folder.length)),
  })
  const prebuilds = join(target, 'prebuilds')
  if (!existsSync(prebuilds)) return
  for (const platform of readdirSync(prebuilds)) {
    if (!PLATFORMS.some((wanted) => wanted === platform))
      rmSync(join(prebuilds, platform), { recursive: true })
  }
}
