/**
 * `npm run record`: records how two people install the package, find each other by name and send a folder, with nothing
 * but an invite. All of it is real: a system on this machine, the packed package, and processes with their own homes.
 * The commands and their output become `docs/first-minute.cast` and `docs/first-minute.svg`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { asciicast, type CastLine, svg } from './cast.ts'
import { startSystem } from './system.ts'

const ROOT = join(import.meta.dirname, '..')
const TITLE = 'Two people, one invite: the first minute'
const PATIENCE_MS = 60_000

const { out } = new Command('npm run record --')
  .description('Records the first minute of two people as docs/first-minute.cast and .svg.')
  .option('--out <dir>', 'where they go', join(ROOT, 'docs'))
  .parse()
  .opts<{ out: string }>()

const folder = mkdtempSync(join(tmpdir(), 'straightway-record-'))
const lines: CastLine[] = []
let beganAt = 0

/** One of the two people, with a folder of their own. */
class Person {
  readonly who: string
  readonly folder: string
  readonly #settings: NodeJS.ProcessEnv

  constructor(who: string, settings: NodeJS.ProcessEnv) {
    this.who = who
    this.folder = join(folder, who)
    this.#settings = { ...settings, STRAIGHTWAY_HOME: join(this.folder, '.straightway') }
    mkdirSync(this.folder, { recursive: true })
    writeFileSync(join(this.folder, 'package.json'), '{}')
  }

  /** Types a command, runs it and records its output. */
  start(command: string): { readonly child: ChildProcess; readonly says: (text: string) => Promise<void> } {
    this.#add('typed', command)
    const child = spawn('sh', ['-c', command], {
      cwd: this.folder,
      env: { ...process.env, ...this.#settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const heard: string[] = []
    const waiting: (() => void)[] = []
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        if (line.trim() === '') return
        heard.push(line)
        this.#add('printed', line.replaceAll(`${this.folder}/`, ''))
        for (const wake of waiting.splice(0)) wake()
      })
    const says = async (text: string) => {
      for (const endAt = Date.now() + PATIENCE_MS; !heard.some((line) => line.includes(text)); ) {
        if (Date.now() > endAt || child.exitCode !== null) throw new Error(`${this.who} did not see: ${text}`)
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
          child.once('exit', () => resolve())
        })
      }
    }
    return { child, says }
  }

  async run(command: string): Promise<void> {
    const { child } = this.start(command)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command} ended with ${code}`)
  }

  note(text: string): void {
    this.#add('note', text)
  }

  #add(kind: CastLine['kind'], text: string): void {
    const at = (performance.now() - beganAt) / 1000
    lines.push({ at, who: this.who, kind, text })
    process.stdout.write(
      `${at.toFixed(1).padStart(6)}  ${this.who} ${kind === 'typed' ? '$' : ' '} ${text}\n`,
    )
  }
}

function packed(): string {
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  const [{ filename }] = JSON.parse(said.slice(said.indexOf('['))) as [{ filename: string }]
  return filename
}

async function play(): Promise<void> {
  const tarball = packed()
  const system = await startSystem({ freePorts: true })
  try {
    const settings = { STRAIGHTWAY_INDEX: system.index, STRAIGHTWAY_INVITE: system.invite }
    const [ada, ben] = [new Person('ada', settings), new Person('ben', settings)]
    mkdirSync(join(ada.folder, 'holiday/day one'), { recursive: true })
    writeFileSync(join(ada.folder, 'holiday/map.png'), Buffer.alloc(400_000, 1))
    writeFileSync(join(ada.folder, 'holiday/day one/beach.jpg'), Buffer.alloc(5_000_000, 2))
    beganAt = performance.now()
    const install = `npm install --silent ../${tarball}`
    await Promise.all([ada.run(install), ben.run(install)])
    const installedAt = performance.now()
    ada.note(`STRAIGHTWAY_INDEX=${system.index} STRAIGHTWAY_INVITE=${system.invite}`)
    const receiving = ben.start('npx straightway receive --name Ben --dir inbox')
    await receiving.says('waiting as')
    await ada.run('npx straightway find Ben --name Ada')
    await ada.run('npx straightway send Ben holiday')
    await receiving.says('SHA-256 equal')
    if (receiving.child.exitCode === null) await once(receiving.child, 'close')
    await ben.run('ls -R inbox/holiday')
    ben.note(`${((performance.now() - installedAt) / 1000).toFixed(0)} s after npm install`)
  } finally {
    await system.close()
  }
}

try {
  await play()
  const cast = { title: TITLE, lines }
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'first-minute.cast'), asciicast(cast))
  writeFileSync(join(out, 'first-minute.svg'), svg(cast))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
