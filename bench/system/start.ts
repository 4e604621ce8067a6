/** Measures start-up: of the command line beside an empty Node, and of the whole system; and the system while it is idle. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endedCpuSeconds } from '../cpu.ts'
import { SystemHere } from './here.ts'
import { cpuSecondsOfTree } from './tree.ts'

const CLI = fileURLToPath(new URL('../../cli/straightway.js', import.meta.url))

export interface StartResult {
  /** Medians of elapsed time in milliseconds, and of CPU time. */
  readonly help: {
    readonly ms: number
    readonly bareMs: number
    readonly cpuMs: number
    readonly bareCpuMs: number
  }
  /** CPU time of `--help` over that of an empty Node. */
  readonly ratio: number
  readonly system: { readonly readyMs: number; readonly cpuToReadyMs: number; readonly idleCore: number }
  readonly isGood: boolean
}

export async function benchStart({
  rounds,
  idleSeconds,
}: {
  rounds: number
  idleSeconds: number
}): Promise<StartResult> {
  const [helps, bares]: [Run[], Run[]] = [[], []]
  run([CLI, '--help'])
  for (let i = 0; i < rounds; i++) {
    bares.push(run(['-e', '0']))
    helps.push(run([CLI, '--help']))
  }
  await using system = await SystemHere.start()
  const toReady = cpuSecondsOfTree(system.pid)
  await pause(SETTLE_MS)
  const [began, before] = [performance.now(), cpuSecondsOfTree(system.pid)]
  await pause(idleSeconds * 1000)
  const idleCore = (cpuSecondsOfTree(system.pid) - before) / ((performance.now() - began) / 1000)
  const [cpuMs, bareCpuMs] = [median(helps, 'cpuMs'), median(bares, 'cpuMs')]
  return {
    help: { ms: median(helps, 'ms'), bareMs: median(bares, 'ms'), cpuMs, bareCpuMs },
    ratio: cpuMs / bareCpuMs,
    system: { readyMs: system.readyMs, cpuToReadyMs: toReady * 1000, idleCore },
    isGood: helps.every(({ said }) => said.includes('Usage: straightway')),
  }
}

interface Run {
  readonly ms: number
  readonly cpuMs: number
  readonly said: string
}

/** Time after which a system that has started does nothing more for its start. */
const SETTLE_MS = 3000

function run(args: readonly string[]): Run {
  const [began, before] = [performance.now(), endedCpuSeconds()]
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { ms: performance.now() - began, cpuMs: (endedCpuSeconds() - before) * 1000, said: stdout }
}

function median(runs: readonly Run[], of: 'ms' | 'cpuMs'): number {
  const sorted = runs.map((one) => one[of]).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
