/** `npm run docs`: builds the documentation site and serves it. `-- --check` builds it and fails on a dead link. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { assemble } from './pages.ts'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')

const program = new Command('npm run docs --')
  .description('Builds the documentation site from the documents of the repository, and serves it.')
  .option('--check', 'only build it; fails on a dead link')
  .option('--port <n>', 'where it is served', '5173')
  .addHelpText('after', '\nThe site is in docs/site/out afterwards. The first run installs VitePress.')
  .action(({ check, port }: { readonly check?: true; readonly port: string }) => {
    if (!existsSync(join(HERE, 'node_modules/vitepress')))
      step('npm', ['ci', '--no-workspaces', '--prefix', HERE], HERE)
    assemble(join(HERE, 'pages'))
    vitepress(['build'])
    if (check) return console.log('The site is built and has no dead link.')
    step(process.execPath, ['docs/api/write.ts'], ROOT)
    cpSync(join(ROOT, 'docs/api/out'), join(HERE, 'out/api'), { recursive: true })
    vitepress(['preview', '--port', port])
  })

program.parse()

function vitepress(args: readonly string[]): void {
  step(process.execPath, [join(HERE, 'node_modules/vitepress/bin/vitepress.js'), ...args], HERE)
}

/** Runs a command, and ends with its status if it fails. */
function step(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (error) program.error(`${command} cannot be run: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
