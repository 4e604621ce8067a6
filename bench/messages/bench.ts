/**
 * Measures messages that the reader acknowledges: ours over one and two nodes, sealed end to end; request and reply of NATS core
 * over one server and a cluster of two; QoS 1 of mosquitto, each answered by another. One process has all writers and readers.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { type Child, start, startScript } from '../child.ts'
import { freePort } from '../free-port.ts'
import type { MessageLoad, MessagesMeasured } from './load.ts'

export type System = MessageLoad['kind']

export interface MessageCost {
  readonly perSecond: number
  /** Acknowledged messages for a second of CPU time of all servers together. */
  readonly perCpuSecond: number
  readonly serverCpu: number
  readonly loadCpu: number
  readonly limitedBy: 'load' | 'server' | 'rate limits'
  readonly roundTripMs: MessagesMeasured['roundTripMs']
  /** True if every message arrived, whole, and was acknowledged. */
  readonly isGood: boolean
}

export interface MessagesRow {
  readonly nodes: number
  readonly straightway: MessageCost
  readonly nats: MessageCost
  readonly mosquitto?: MessageCost
  /** Median time from a message to its acknowledgement, ours over NATS's. */
  readonly ratio: number
  /** Messages for a CPU second, ours over NATS's. */
  readonly cpuRatio: number
}

export interface MessagesOptions {
  readonly seconds: number
  readonly rounds: number
  readonly lines: number
  readonly quiet: number
}

const BYTES = 200
/** A part of what one peer may send, so that none is refused. */
const BURST = LIMITS.requestsBurst / 2
const PER_SECOND = LIMITS.requestsPerSecond * 0.8

export async function benchMessages(options: MessagesOptions): Promise<readonly MessagesRow[]> {
  const rows: MessagesRow[] = []
  for (const nodes of [1, 2]) {
    const systems: readonly System[] =
      nodes === 1 ? ['straightway', 'nats', 'mosquitto'] : ['straightway', 'nats']
    const costs = new Map<System, MessageCost[]>(systems.map((system) => [system, []]))
    for (let round = 0; round < options.rounds; round++)
      for (const system of systems) costs.get(system)!.push(await costOf(system, nodes, options))
    const [straightway, nats] = [median(costs.get('straightway')!), median(costs.get('nats')!)]
    const mosquitto = costs.get('mosquitto')
    rows.push({
      ...{ nodes, straightway, nats, ...(mosquitto && { mosquitto: median(mosquitto) }) },
      ratio: straightway.roundTripMs.p50 / nats.roundTripMs.p50,
      cpuRatio: straightway.perCpuSecond / nats.perCpuSecond,
    })
  }
  return rows
}

async function costOf(system: System, count: number, options: MessagesOptions): Promise<MessageCost> {
  const nodes: { readonly port: number; readonly seed: number }[] = []
  for (let i = 0; i < count; i++) nodes.push({ port: await freePort(), seed: i + 1 })
  const servers = await STARTED[system](nodes)
  try {
    const told: MessageLoad = {
      ...{ kind: system, nodes, pids: servers.map(({ pid }) => pid), lines: options.lines, bytes: BYTES },
      ...{ measureMs: options.seconds * 1000, quiet: options.quiet },
      ...(system === 'straightway' && { limit: { burst: BURST, perSecond: PER_SECOND } }),
    }
    const load = startScript('messages/load.ts', JSON.stringify(told))
    try {
      return cost(system, JSON.parse(await load.line()))
    } finally {
      await load.stop()
    }
  } finally {
    for (const server of servers) await server.stop()
  }
}

const STARTED = {
  straightway: async (nodes: readonly { port: number; seed: number }[]): Promise<readonly Child[]> => {
    const servers = nodes.map(({ port, seed }, i) => {
      const other = nodes[1 - i]
      const others = other ? [other.port, other.seed] : []
      return startScript('messages/node.ts', ...[port, seed, ...others].map(String))
    })
    for (const server of servers) await server.line()
    return servers
  },
  nats: async (nodes: readonly { port: number }[]): Promise<readonly Child[]> => {
    const routes: number[] = []
    for (const _ of nodes) routes.push(await freePort())
    const all = routes.map((port) => `nats://127.0.0.1:${port}`)
    const servers = nodes.map(({ port }, i) => {
      const cluster = ['--cluster_name', 'bench', '--cluster', all[i]!, '--routes', all.join()]
      const own = ['-a', '127.0.0.1', '-p', `${port}`, '--log', '/dev/null']
      return start('nats-server', [...own, ...(nodes.length > 1 ? cluster : [])])
    })
    await Promise.all(nodes.map(({ port }) => listening(port, 'nats-server')))
    return servers
  },
  mosquitto: async ([node]: readonly { port: number }[]): Promise<readonly Child[]> => {
    const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const settings = [
      `listener ${node!.port} 127.0.0.1`,
      'allow_anonymous true',
      'set_tcp_nodelay true',
      'log_dest none',
    ]
    writeFileSync(join(folder, 'settings'), `${settings.join('\n')}\n`)
    const server = start('mosquitto', ['-c', join(folder, 'settings')])
    await listening(node!.port, 'mosquitto')
    return [server]
  },
} as const

async function listening(port: number, program: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new StraightwayError(
    'unavailable',
    `${program} does not answer. On Debian and Ubuntu: apt install ${program}`,
  )
}

function cost(system: System, measured: MessagesMeasured & { readonly flooded: number }): MessageCost {
  const { flooded, acknowledged, received, elapsedMs, serverCpuSeconds, loadCpuSeconds } = measured
  const seconds = elapsedMs / 1000
  const [serverCpu, loadCpu] = [serverCpuSeconds / seconds, loadCpuSeconds / seconds]
  const busiest = serverCpu > loadCpu ? 'server' : 'load'
  return {
    perSecond: Math.round(flooded / seconds),
    perCpuSecond: Math.round(flooded / serverCpuSeconds),
    ...{ serverCpu, loadCpu, roundTripMs: measured.roundTripMs },
    limitedBy: system === 'straightway' && Math.max(serverCpu, loadCpu) < 0.9 ? 'rate limits' : busiest,
    isGood: acknowledged === received,
  }
}

function median(costs: readonly MessageCost[]): MessageCost {
  const sorted = [...costs].sort((a, b) => a.roundTripMs.p50 - b.roundTripMs.p50)
  return { ...sorted[Math.floor(costs.length / 2)]!, isGood: costs.every(({ isGood }) => isGood) }
}
