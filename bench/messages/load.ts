/** A process with writers and readers. Its argument is a JSON value, and it prints one. */
import { cpuSeconds } from '../cpu.ts'
import type { Line } from './line.ts'
import { openMqtt } from './mqtt.ts'
import { openNats } from './nats.ts'
import { type At, openOurs } from './ours.ts'

export interface MessageLoad {
  readonly kind: 'straightway' | 'nats' | 'mosquitto'
  readonly nodes: readonly At[]
  readonly pids: readonly number[]
  readonly lines: number
  readonly bytes: number
  readonly measureMs: number
  /** Messages of a line that are asked one after another, with no other under way. */
  readonly quiet: number
  /** Messages that a writer may send at most, in one moment and in a second. Default: no limit. */
  readonly limit?: { readonly burst: number; readonly perSecond: number }
}

export interface MessagesMeasured {
  readonly acknowledged: number
  readonly received: number
  readonly elapsedMs: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
  /** Time from a message to its acknowledgement, with no other under way. */
  readonly roundTripMs: { readonly p50: number; readonly p99: number; readonly p999: number }
}

/** Messages under way of each line. */
const WINDOW = 4
/** Time in which a first message may get lost, as two servers may not know of each other's readers yet. */
const FIRST_MS = 1000

const load = JSON.parse(process.argv[2]!) as MessageLoad
const body = Buffer.alloc(load.bytes, 7)
const lines = await opened()
let acknowledged = 0
for (const line of lines) await first(line)
const before = lines.reduce((sum, line) => sum + line.received(), 0)
const roundTripMs = await quiet()
const flood = await loaded()
const received = (lines.reduce((sum, line) => sum + line.received(), 0) - before) / load.bytes
console.log(JSON.stringify({ ...flood, acknowledged, received, roundTripMs }))
process.exit(0)

async function opened(): Promise<readonly Line[]> {
  const ports = load.nodes.map(({ port }) => port)
  if (load.kind === 'nats') return await openNats(ports, load.lines)
  if (load.kind === 'mosquitto') return await openMqtt(ports, load.lines)
  return await openOurs(load.nodes, load.lines)
}

async function first(line: Line): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, FIRST_MS, false))
    isDone = await Promise.race([line.ask(body).then(() => true), late])
  }
}

async function ask(line: Line): Promise<void> {
  await line.ask(body)
  acknowledged++
}

/** One message after another, each of another line. */
async function quiet(): Promise<MessagesMeasured['roundTripMs']> {
  const times: number[] = []
  for (let n = 0; n < load.quiet * lines.length; n++) {
    const began = performance.now()
    await ask(lines[n % lines.length]!)
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)]!
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

/** All lines at the same time, with WINDOW messages of each under way, as fast as their limit lets them. */
async function loaded() {
  const server = () => load.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const [began, serverBefore, loadBefore] = [performance.now(), server(), cpuSeconds(process.pid)]
  const end = began + load.measureMs
  await Promise.all(
    lines.flatMap((line) => Array.from({ length: WINDOW }, () => keepAsking(line, began, end))),
  )
  return {
    flooded: acknowledged - load.quiet * lines.length,
    elapsedMs: performance.now() - began,
    serverCpuSeconds: server() - serverBefore,
    loadCpuSeconds: cpuSeconds(process.pid) - loadBefore,
  }
}

async function keepAsking(line: Line, began: number, end: number): Promise<void> {
  const { burst, perSecond } = load.limit ?? { burst: Number.POSITIVE_INFINITY, perSecond: 0 }
  for (let sent = 0; performance.now() < end; sent++) {
    const allowedAt = began + (Math.max(0, (sent + 1) * WINDOW - burst) / (perSecond || 1)) * 1000
    const waitMs = Math.min(allowedAt, end) - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (performance.now() >= end) return
    await ask(line)
  }
}
