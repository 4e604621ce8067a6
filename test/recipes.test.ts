/** The code of docs/recipes.md compiles against the SDK of this checkout. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** Type declarations for modules that have none of their own. */
const AMBIENT = ['shared/crypto/*.d.ts', 'peer/net/*.d.ts', 'peer/stream/*.d.ts'].map((path) =>
  join(ROOT, path),
)

test('the recipes compile', () => {
  const page = readFileSync(join(ROOT, 'docs/recipes.md'), 'utf8')
  const recipes = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
  expect(recipes.length).toBeGreaterThanOrEqual(8)
  const folder = mkdtempSync(join(tmpdir(), 'straightway-recipes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'))
  const paths = {
    straightway: [join(ROOT, 'peer/index.ts')],
    'straightway/testing': [join(ROOT, 'local/system.ts')],
  }
  for (const [i, code] of recipes.entries())
    writeFileSync(join(folder, `recipe-${i}.ts`), `${code}\nexport {}\n`)
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'))
  const options = {
    ...compilerOptions,
    paths,
    noUnusedLocals: false,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.ts', ...AMBIENT] }),
  )
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})
