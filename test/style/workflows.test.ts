/** Checks that everything exists that workflows run: scripts of package.json, and for commands with a help, options that it lists. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

const HELPFUL = ['torture', 'sim']

/** Each `npm run` of a workflow, with the names of its options. */
const commands = globSync('.github/workflows/*.yml', { cwd: ROOT }).flatMap((file) => {
  const found = readFileSync(join(ROOT, file), 'utf8').matchAll(/npm run (?:--\S+ )*([\w:]+)([^\n]*)/g)
  return [...found].map(([, script = '', rest = '']) => {
    const options = rest.split(' -- ')[1]?.match(/--[\w-]+/g) ?? []
    return { file, script, options }
  })
})

test('workflows run something', () => {
  expect(commands.map(({ script }) => script)).toEqual(expect.arrayContaining(['torture', 'sim']))
})

test.each(commands)('$file: there is a script $script', ({ script }) => {
  expect(scripts[script]).toBeDefined()
})

test.each(HELPFUL)('npm run %s has the options that workflows give it', (script) => {
  const program = /^node (\S+\.ts)$/.exec(scripts[script]!)![1]!
  const help = execFileSync(process.execPath, [join(ROOT, program), '--help'], { encoding: 'utf8' })
  const options = commands
    .filter((command) => command.script === script)
    .flatMap((command) => command.options)
  expect(options).not.toEqual([])
  for (const option of options) expect(help).toContain(`${option} `)
})
