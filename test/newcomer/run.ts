/**
 * `npm run newcomer`: walks the path of somebody who has only the documentation, in a clone of this repository: the two
 * commands of the README, its lines of code in two terminals, and docs/first-change.md. Prints how long each part took.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'

const ROOT = join(import.meta.dirname, '../..')
/** A part that takes longer has failed. */
const LONGEST_MS = 600_000

interface Options {
  readonly tests: boolean
  readonly json?: true
}

const program = new Command('npm run newcomer --')
  .description('Clones the repository and does what its first pages say.')
  .option('--no-tests', 'leave out `npm test`, which takes most of the time')
  .option('--json', 'print one JSON value')
  .action(run)

await program.parseAsync()

async function run({ tests, json }: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-newcomer-'))
  const clone = join(folder, 'straightway')
  const seconds: Record<string, number> = {}
  const part = async (name: string, work: () => Promise<unknown>) => {
    console.error(name)
    const began = performance.now()
    await work()
    seconds[name] = Math.round((performance.now() - began) / 100) / 10
  }
  try {
    await part('clone', async () =>
      execFileSync('git', ['-c', 'safe.directory=*', 'clone', '--quiet', ROOT, clone]),
    )
    const [job, test] = commandsOf(join(clone, 'README.md'))
    await part(job!, () => shell(job!, clone))
    if (tests) await part(test!, () => shell(test!, clone))
    await part('first tunnel between two terminals', () => firstTunnel(clone))
    await part('first change with a test', () => firstChange(clone))
    if (json) console.log(JSON.stringify({ seconds }))
    else
      for (const [name, time] of Object.entries(seconds))
        console.log(`${String(time).padStart(7)} s  ${name}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the blocks of code of a language in a document. */
function blocksOf(document: string, language: string): string[] {
  const text = readFileSync(document, 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!)
}

/** Returns the commands of the first shell block of a document. */
function commandsOf(document: string): string[] {
  const [block] = blocksOf(document, 'sh')
  const lines = block!.split('\n').map((line) => line.replace(/\s+#.*/, ''))
  return lines.filter((line) => line !== '')
}

/** Runs a command as it stands on the page. Rejects unless it succeeds. */
function shell(command: string, cwd: string): Promise<void> {
  const running = spawn('sh', ['-c', command], { cwd, stdio: 'ignore', env: plain() })
  const timer = setTimeout(() => running.kill('SIGKILL'), LONGEST_MS)
  return new Promise((resolve, reject) => {
    running.once('exit', (code) => {
      clearTimeout(timer)
      if (code === 0) resolve()
      else reject(new Error(`\`${command}\` ended with ${code}`))
    })
  })
}

/** The environment of a new terminal: npm adds folders of this checkout to the path. */
function plain(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: path.join(':') }
}

/** Starts the system, and runs the lines of the README in two terminals. The first prints `hello`. */
async function firstTunnel(clone: string): Promise<void> {
  const data = join(clone, '.newcomer')
  const system = terminal(['start', '--', '--json', '--data', data, '--http', '127.0.0.1:0'], clone)
  const { index, invite, adminKey } = JSON.parse(await lineOf(system, (line) => line.startsWith('{')))
  const [lines] = blocksOf(join(clone, 'README.md'), 'ts')
  const typed = lines!.replace('http://127.0.0.1:8787', index).replace('INVITE', invite)
  writeFileSync(join(clone, 'hello.ts'), typed)
  const first = terminal(['run', 'example', 'hello.ts'], clone)
  const greeted = lineOf(first, (line) => line === 'hello')
  await somebodyOnline(index, adminKey)
  const second = terminal(['run', 'example', 'hello.ts'], clone)
  try {
    await greeted
  } finally {
    for (const it of [first, second, system]) process.kill(-it.pid!)
  }
}

/** Resolves when a search finds a peer that is online, as a person would see in the first terminal. */
async function somebodyOnline(index: string, key: string): Promise<void> {
  const url = `${index}/v1/peers?${new URLSearchParams({ filter: 'status eq "online"' })}`
  const deadline = Date.now() + LONGEST_MS
  for (let items = []; items.length === 0; await sleep(200)) {
    if (Date.now() > deadline) throw new Error('The first terminal is not online')
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    ;({ items } = (await answer.json()) as { items: never[] })
  }
}

function terminal(args: readonly string[], cwd: string): ChildProcess {
  return spawn('npm', ['--silent', ...args], {
    cwd,
    env: plain(),
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
}

/** Resolves with the first line that a terminal prints for which `is` holds. Rejects if the terminal ends before. */
function lineOf(terminal: ChildProcess, is: (line: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: terminal.stdout! }).on('line', (line) => is(line) && resolve(line))
    terminal.once('exit', (code) => reject(new Error(`A terminal ended early, with ${code}`)))
  })
}

/** Does what docs/first-change.md says: tests fail where the page says so, and pass where it says so. */
async function firstChange(clone: string): Promise<void> {
  const page = join(clone, 'docs/first-change.md')
  const [, oneTest, itsRoom] = blocksOf(page, 'sh').map((block) => block.trim())
  writeFileSync(join(clone, 'test/wire/long-status.test.ts'), blocksOf(page, 'ts')[0]!)
  await fails(oneTest!, clone)
  execFileSync('git', ['apply', '--unidiff-zero', '-'], { cwd: clone, input: blocksOf(page, 'diff')[0]! })
  await shell(oneTest!, clone)
  await fails(itsRoom!, clone)
  const old = join(clone, 'test/wire/presence.test.ts')
  writeFileSync(old, readFileSync(old, 'utf8').replace('repeat(129)', 'repeat(201)'))
  await shell(itsRoom!, clone)
}

async function fails(command: string, clone: string): Promise<void> {
  const passed = await shell(command, clone).then(
    () => true,
    () => false,
  )
  if (passed) throw new Error(`\`${command}\` passes, and docs/first-change.md says that it fails`)
}
