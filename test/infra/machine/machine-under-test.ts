/** A disposable machine with systemd; see machine.sh. Needs root. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** A clean environment with the machine's programs and nothing from the caller. */
const CLEAN = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']
const SYSTEMD = '/lib/systemd/systemd'
const BOOT_MS = 120_000

/** Shell scripts by the path inside at which each is installed as a program. */
export type Programs = Readonly<Record<string, string>>

export interface Outcome {
  readonly code: number
  readonly said: string
}

export interface Machine {
  /** A folder on the host, which is /machine inside. */
  readonly shared: string
  /** Runs a command, by default as root. */
  run(command: string, user?: string): Promise<Outcome>
  /** Starts a process in the machine's network, on the host's file system. */
  spawnBeside(command: string, arguments_: readonly string[]): ChildProcess
  close(): Promise<void>
}

export const canBoot = process.getuid?.() === 0 && existsSync(SYSTEMD) && existsSync('/usr/sbin/logrotate')

export async function bootMachine(programs: Programs): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-machine-'))
  const shared = join(folder, 'shared')
  mkdirSync(join(folder, 'disk'))
  mkdirSync(shared)
  const child = spawn(join(import.meta.dirname, 'machine.sh'), [folder], {
    env: { ...process.env, NODE: process.execPath },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(child, 'exit')
  const close = async () => {
    child.kill('SIGKILL')
    await ended
    removeCgroups(basename(folder))
    rmSync(folder, { recursive: true, force: true })
  }
  const pid = await firstProcess(child, folder)
  const enter = ['--target', String(pid), '--mount', '--pid', '--net', '--uts', '--ipc']
  const machine: Machine = {
    shared,
    close,
    run: (command, user) =>
      outcomeOf('nsenter', [...enter, ...CLEAN, ...asUser(user), '/bin/bash', '--norc', '-c', command]),
    spawnBeside: (command, arguments_) =>
      spawn('nsenter', ['--target', String(pid), '--net', command, ...arguments_], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
  }
  await until(async () => (await machine.run('systemctl is-active machine.target')).code === 0)
  for (const [path, script] of Object.entries(programs)) {
    writeFileSync(join(shared, 'program'), `#!/bin/bash\n${script}\n`)
    await machine.run(`install -D -m 0755 /machine/program ${path}`)
  }
  return machine
}

export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + BOOT_MS
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It does not hold after ${BOOT_MS} ms: ${holds}`)
    await wait(100)
  }
}

const asUser = (user: string | undefined): string[] =>
  user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups']

/** Returns the first process of the new PID namespace, which is the child of unshare. */
async function firstProcess(child: ChildProcess, folder: string): Promise<number> {
  await until(() => existsSync(join(folder, 'ready')) || child.exitCode !== null)
  const { said } = await outcomeOf('ps', ['--ppid', String(child.pid), '-o', 'pid='])
  return Number(said.trim())
}

function outcomeOf(command: string, arguments_: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, arguments_, { encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: `${stdout}${stderr}` }),
    )
  })
}

function removeCgroups(name: string): void {
  const folders = globSync(`/sys/fs/cgroup/{,systemd/,unified/}${name}/**/`)
  for (const folder of folders.sort((one, other) => other.length - one.length)) {
    try {
      rmdirSync(folder)
    } catch {
      // A process that has just ended may still be counted; the kernel then keeps the folder.
    }
  }
}
