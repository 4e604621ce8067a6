/**
 * Measures a stream between two hosts, of Straightway, HyperDHT and TCP in turns: bytes a second, and CPU time for a
 * megabyte. Each system has two processes, one for each end, in the two namespaces of a wire.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { StraightwayError } from '../../shared/errors.ts'
import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { missingHere } from '../../test/natlab/needs.ts'
import { cpuSeconds } from '../cpu.ts'
import type { Arrived, Said, Wrote } from './end.ts'
import { iperf } from './iperf.ts'
import { ADDRESS, SECOND, Wire, type WireKind } from './wire.ts'

const MEGABYTE = 1e6
const OTHERS = fileURLToPath(new URL('../node_modules', import.meta.url))
const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url))
const DHT_NODES = '../traversal/hyperdht-nodes.ts'

export interface StreamCost {
  readonly megabitsPerSecond: number
  /** CPU time of both ends for a megabyte, in milliseconds. */
  readonly cpuMs: number
  /** Share of a core that each end and the wire used. Near 1, that one was the limit. */
  readonly senderCpu: number
  readonly receiverCpu: number
  readonly wireCpu: number
  /** True if the reader received exactly what was written. */
  readonly isWhole: boolean
}

export interface StreamRow extends WireKind {
  readonly path: 'direct' | 'relayed'
  readonly straightway: StreamCost
  readonly hyperdht?: StreamCost
  readonly tcp?: { readonly megabitsPerSecond: number }
  /** CPU time for a megabyte, ours over HyperDHT's. */
  readonly cpuRatio?: number
  /** Bytes a second, ours over HyperDHT's, and over TCP's. */
  readonly ratio?: number
  readonly tcpRatio?: number
}

export interface StreamsOptions {
  readonly seconds: number
  /** Turns of each system. The median is reported. */
  readonly rounds: number
  readonly wires: readonly WireKind[]
  readonly paths: readonly StreamRow['path'][]
}

interface Ends {
  readonly writer: { readonly dialogue: Dialogue; readonly pid: number }
  readonly reader: { readonly dialogue: Dialogue; readonly pid: number }
  readonly to: string
}

export async function benchStreams(
  options: StreamsOptions,
  told: (row: StreamRow) => void,
): Promise<readonly StreamRow[]> {
  const missing = missingHere()
  if (missing !== undefined) throw new StraightwayError('unavailable', `The laboratory ${missing}.`)
  if (!existsSync(OTHERS)) throw new StraightwayError('unavailable', 'First: npm ci --prefix bench')
  const rows: StreamRow[] = []
  for (const kind of options.wires) {
    for (const row of await rowsOf(kind, options)) {
      told(row)
      rows.push(row)
    }
  }
  return rows
}

async function rowsOf(kind: WireKind, { seconds, rounds, paths }: StreamsOptions): Promise<StreamRow[]> {
  await using wire = await Wire.make(kind)
  const folder = await mkdtemp(join(tmpdir(), 'streams-'))
  try {
    const ours = await straightway(wire, folder)
    const theirs = await hyperdht(wire)
    const rows: StreamRow[] = []
    for (const path of paths) {
      const [mine, its, tcp]: [StreamCost[], StreamCost[], number[]] = [[], [], []]
      for (let round = 0; round < rounds; round++) {
        mine.push(await measured(wire, ours, path, seconds))
        if (path === 'relayed') continue
        its.push(await measured(wire, theirs, path, seconds))
        tcp.push(await iperf(wire, seconds))
      }
      rows.push(rowOf(kind, path, mine, its, tcp))
    }
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function rowOf(
  kind: WireKind,
  path: StreamRow['path'],
  mine: readonly StreamCost[],
  its: readonly StreamCost[],
  tcp: readonly number[],
): StreamRow {
  const straightway = median(mine, (cost) => cost.cpuMs)!
  const hyperdht = median(its, (cost) => cost.cpuMs)
  const megabits = median(tcp, (each) => each)
  const speed = (costs: readonly StreamCost[]) =>
    median(costs, (cost) => cost.megabitsPerSecond)!.megabitsPerSecond
  return {
    ...kind,
    path,
    straightway: { ...straightway, megabitsPerSecond: speed(mine), isWhole: mine.every((it) => it.isWhole) },
    ...(hyperdht && {
      hyperdht: { ...hyperdht, megabitsPerSecond: speed(its) },
      cpuRatio: straightway.cpuMs / hyperdht.cpuMs,
      ratio: speed(mine) / speed(its),
    }),
    ...(megabits && { tcp: { megabitsPerSecond: megabits }, tcpRatio: speed(mine) / megabits }),
  }
}

async function measured(
  wire: Wire,
  { writer, reader, to }: Ends,
  path: StreamRow['path'],
  seconds: number,
): Promise<StreamCost> {
  const cpu = () => [writer.pid, reader.pid, wire.pid].map((pid) => (pid === undefined ? 0 : cpuSeconds(pid)))
  const said: Said = { to, paths: path === 'direct' ? 'auto' : 'relay-only', ms: seconds * 1000 }
  const before = cpu()
  const wrote = await ask<Wrote>(writer.dialogue, said)
  const arrived = await ask<Arrived>(reader.dialogue, { expect: wrote.wrote })
  const [sender, receiver, between] = cpu().map((after, i) => after - before[i]!) as [number, number, number]
  const elapsed = (arrived.at - wrote.startedAt) / 1000
  return {
    megabitsPerSecond: (arrived.arrived * 8) / MEGABYTE / elapsed,
    cpuMs: ((sender + receiver) * 1000) / (arrived.arrived / MEGABYTE),
    senderCpu: sender / elapsed,
    receiverCpu: receiver / elapsed,
    wireCpu: between / elapsed,
    isWhole: arrived.arrived === wrote.wrote && arrived.sum === wrote.sum,
  }
}

/** INDEX, nodes and a relay on the left side, and a peer on each side. */
async function straightway(wire: Wire, folder: string): Promise<Ends> {
  const http = `${ADDRESS.left}:8787`
  const addresses = `${ADDRESS.left},${SECOND}`
  const options = ['--addresses', addresses, '--http', http, '--data', join(folder, 'data'), '--json']
  const system = wire.spawn('left', [process.execPath, START, ...options])
  const lines = createInterface(system.stdout!)[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done) throw new StraightwayError('unavailable', 'The system did not start.')
  const { index, invite } = JSON.parse(first.value) as { index: string; invite: string }
  return await ends((side) =>
    wire.run(side, 'straightway-end.ts', index, invite, join(folder, `home-${side}`)),
  )
}

/** The nodes of a DHT on the left side, and a node on each side. */
async function hyperdht(wire: Wire): Promise<Ends> {
  const nodes = wire.run('left', DHT_NODES, ADDRESS.left, SECOND).dialogue
  const dht = await nodes.next<{ bootstrap: string }>()
  if (dht === undefined) throw new StraightwayError('unavailable', 'The nodes of HyperDHT did not start.')
  return await ends((side) => wire.run(side, 'hyperdht-end.ts', dht.bootstrap, ADDRESS[side]))
}

async function ends(start: (side: 'left' | 'right') => Ends['writer']): Promise<Ends> {
  const [writer, reader] = [start('left'), start('right')]
  const names = await Promise.all([writer, reader].map(({ dialogue }) => dialogue.next<{ name: string }>()))
  if (names.includes(undefined)) throw new StraightwayError('unavailable', 'An end did not start.')
  return { writer, reader, to: names[1]!.name }
}

async function ask<T>(end: Dialogue, said: Said): Promise<T> {
  end.say(said)
  const answer = await end.next<T>()
  if (answer === undefined) throw new StraightwayError('unavailable', 'An end of the stream ended.')
  return answer
}

function median<T>(all: readonly T[], by: (one: T) => number): T | undefined {
  return [...all].sort((a, b) => by(a) - by(b))[Math.floor(all.length / 2)]
}
