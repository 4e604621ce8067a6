/**
 * Measures the cost of a relayed datagram, under the same load and in turns, of: our relay, coturn with ChannelData (the load
 * has to add its header of four bytes), and a minimal relay in C.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, start, startScript } from '../child.ts'
import { startTurn } from '../coturn.ts'
import { freePort } from '../free-port.ts'
import type { RelayLoad, RelayMeasured } from './load.ts'

const WARM_UP_MS = 500
/** Datagrams in flight while a relay is saturated: more than one batch, less than any buffer. */
const WINDOW = 512
export const STEADY_PER_SECOND = 20_000

export type RelayKind = RelayLoad['kind']

export interface RelayCost {
  /** CPU time of the relay's process per datagram, user and kernel. */
  readonly cpuMicros: number
  readonly perSecond: number
  /** Share of a core that the relay used. Near 1, it was the limit. */
  readonly relayCpu: number
  /** Share of a core that the load used. Near 1, it was the limit. */
  readonly loadCpu: number
  /** Share of sent datagrams that did not arrive, 0 to 1. */
  readonly lost: number
  readonly delayMs: { readonly p50: number; readonly p99: number }
}

export interface RelayRow {
  readonly bytes: number
  readonly load: 'saturated' | 'steady'
  readonly ours: RelayCost
  readonly coturn: RelayCost
  /** Absent if this machine has no compiler. */
  readonly loop?: RelayCost
  /** CPU time per datagram of our relay, divided by that of coturn. */
  readonly ratio: number
}

export interface RelayOptions {
  readonly seconds: number
  /** Number of turns of each relay. The median is reported. */
  readonly rounds: number
  readonly sizes: readonly number[]
}

export async function benchRelay(options: RelayOptions): Promise<readonly RelayRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'relay-'))
  try {
    const loop = compiledLoop(folder)
    const rows: RelayRow[] = []
    for (const bytes of options.sizes) {
      for (const load of ['saturated', 'steady'] as const) rows.push(await rowOf(bytes, load, options, loop))
    }
    return rows
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function rowOf(
  bytes: number,
  load: RelayRow['load'],
  { seconds, rounds }: RelayOptions,
  loop: string | undefined,
): Promise<RelayRow> {
  const kinds: readonly RelayKind[] = loop === undefined ? ['ours', 'coturn'] : ['ours', 'coturn', 'loop']
  const costs = new Map<RelayKind, RelayCost[]>(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) costs.get(kind)!.push(await costOf(kind, bytes, load, seconds, loop))
  }
  const [ours, coturn] = [median(costs.get('ours')!), median(costs.get('coturn')!)]
  const ratio = ours.cpuMicros / coturn.cpuMicros
  return { bytes, load, ours, coturn, ...(loop && { loop: median(costs.get('loop')!) }), ratio }
}

async function costOf(
  kind: RelayKind,
  bytes: number,
  load: RelayRow['load'],
  seconds: number,
  loop: string | undefined,
): Promise<RelayCost> {
  const port = await freePort()
  const server = await started(kind, port, loop)
  try {
    const told: RelayLoad = {
      ...{ kind, bytes, window: WINDOW, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000, pid: server.pid },
      relay: `127.0.0.1:${port}`,
      ...(load === 'steady' && { perSecond: STEADY_PER_SECOND }),
    }
    const child = startScript('relay/load.ts', JSON.stringify(told))
    try {
      return cost(JSON.parse(await child.line()) as RelayMeasured)
    } finally {
      await child.stop()
    }
  } finally {
    await server.stop()
  }
}

async function started(kind: RelayKind, port: number, loop: string | undefined): Promise<Child> {
  if (kind === 'coturn') return startTurn(port)
  const child = kind === 'ours' ? startScript('relay/node.ts', `${port}`) : start(loop!, [`${port}`])
  await child.line()
  return child
}

function cost({
  answers,
  elapsedMs,
  serverCpuSeconds,
  loadCpuSeconds,
  sent,
  delayMs,
}: RelayMeasured): RelayCost {
  const seconds = elapsedMs / 1000
  return {
    cpuMicros: (serverCpuSeconds / answers) * 1e6,
    perSecond: Math.round(answers / seconds),
    relayCpu: serverCpuSeconds / seconds,
    loadCpu: loadCpuSeconds / seconds,
    lost: Math.max(0, 1 - answers / sent),
    delayMs,
  }
}

function median(costs: readonly RelayCost[]): RelayCost {
  return [...costs].sort((a, b) => a.cpuMicros - b.cpuMicros)[Math.floor(costs.length / 2)]!
}

function compiledLoop(folder: string): string | undefined {
  const out = join(folder, 'loop')
  try {
    execFileSync('gcc', ['-O2', '-o', out, join(import.meta.dirname, 'loop.c')], { stdio: 'ignore' })
    return out
  } catch {
    return undefined
  }
}
