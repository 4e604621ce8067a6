/** The parts of `npm run bench -- all`, and the rows of bench/RESULTS.md that they give. */
import type { KeepAliveResult } from '../keepalive.ts'
import type { ServiceLoad } from '../load/bench.ts'
import type { MessagesRow } from '../messages/bench.ts'
import type { MillionResult } from '../million/bench.ts'
import type { RelayRow } from '../relay/bench.ts'
import type { SignInResult } from '../signin/signin.ts'
import type { StormResult } from '../signin/storm.ts'
import type { StreamRow } from '../streams/bench.ts'
import type { StunResult } from '../stun.ts'
import type { IdleResult } from '../system/idle.ts'
import type { RestResult } from '../system/rest.ts'
import type { StartResult } from '../system/start.ts'

export interface Row {
  readonly measure: string
  readonly value: number
  readonly unit: string
  /** Undefined for a figure that is only reported. */
  readonly bound?: { readonly kind: 'at most' | 'at least'; readonly value: number }
  /** The peer of the comparison, or the limit. */
  readonly note: string
}

export interface Part {
  readonly name: string
  /** Arguments that keep it under five minutes on an idle machine of two cores. */
  readonly args: readonly string[]
  readonly rows: (output: never) => readonly Row[]
}

const atMost = (value: number) => ({ kind: 'at most', value }) as const
const atLeast = (value: number) => ({ kind: 'at least', value }) as const
const limitOf = (server: number, load: number) =>
  `server ${percent(server)}, load ${percent(load)} of a core: the limit was the ${server > load ? 'server' : 'load'}`
const percent = (share: number) => `${Math.round(share * 100)} %`

function part<T>(name: string, args: readonly string[], rows: (output: T) => readonly Row[]): Part {
  return { name, args, rows: rows as Part['rows'] }
}

export const PARTS: readonly Part[] = [
  part('stun', ['--seconds', '15'], ({ ours, ratio }: StunResult) => [
    {
      measure: 'STUN answers for a CPU second, over coturn',
      ...{ value: ratio, unit: '', bound: atLeast(1.4), note: limitOf(ours.serverCpu, ours.loadCpu) },
    },
  ]),
  part('keepalive', ['--seconds', '15'], ({ ours, ratio, peersPerCore }: KeepAliveResult) => [
    {
      measure: 'keep-alives for a CPU second, over dgram',
      ...{ value: ratio, unit: '', bound: atLeast(1.3), note: limitOf(ours.serverCpu, ours.loadCpu) },
    },
    {
      measure: 'a million keep-alives every 25 s, with sockets',
      ...{ value: 1e6 / peersPerCore, unit: 'core', bound: atMost(0.3), note: '32 peers of one process' },
    },
  ]),
  part('relay', ['--seconds', '2', '--rounds', '5'], (rows: readonly RelayRow[]) =>
    rows.map(({ bytes, load, ours, ratio }) => ({
      measure: `relay, ${load}, ${bytes} bytes: CPU of a packet, over coturn`,
      ...{ value: ratio, unit: '', bound: atMost(load === 'saturated' ? 0.9 : 1.1) },
      note: limitOf(ours.relayCpu, ours.loadCpu),
    })),
  ),
  part('load', [], (loads: readonly ServiceLoad[]) =>
    loads.map(({ service, saturated, cpu }) => ({
      measure: `load that a saturated ${service} reports`,
      ...{ value: saturated, unit: '', bound: atLeast(0.9), note: `with ${percent(cpu)} of a core` },
    })),
  ),
  part('messages', ['--seconds', '3', '--rounds', '3'], (rows: readonly MessagesRow[]) =>
    rows.flatMap(({ nodes, straightway, ratio, cpuRatio }) => [
      {
        measure: `message acknowledged over ${nodes} node(s), p50, over NATS`,
        ...{ value: ratio, unit: '', ...(nodes === 2 && { bound: atMost(1.3) }) },
        note: `p50 ${straightway.roundTripMs.p50.toFixed(2)} ms, p99 ${straightway.roundTripMs.p99.toFixed(2)} ms, sealed end to end`,
      },
      {
        measure: `messages over ${nodes} node(s) for a CPU second`,
        ...{ value: straightway.perCpuSecond, unit: 'a second', bound: atLeast(10_000) },
        note: `${cpuRatio.toFixed(2)} of NATS; limited by ${straightway.limitedBy}`,
      },
    ]),
  ),
  part('streams', ['--seconds', '3', '--rounds', '3'], (rows: readonly StreamRow[]) =>
    rows.flatMap(({ roundTripMs, loss, path, straightway, cpuRatio, ratio, tcpRatio }) => {
      if (path === 'relayed' || cpuRatio === undefined) return []
      const where = `streams, ${roundTripMs} ms, ${loss * 100} % lost`
      const busy = `sender ${percent(straightway.senderCpu)}, receiver ${percent(straightway.receiverCpu)}, wire ${percent(straightway.wireCpu)} of a core`
      const bound = loss > 0 ? atLeast(0.9) : atLeast(0.7)
      const isJudged = roundTripMs === 20 || roundTripMs === 50
      const speed =
        loss > 0
          ? { measure: `${where}: speed, over HyperDHT`, value: ratio! }
          : { measure: `${where}: speed, over TCP`, value: tcpRatio! }
      return [
        ...(roundTripMs === 0
          ? [
              {
                measure: `${where}: CPU of a megabyte, over HyperDHT`,
                ...{ value: cpuRatio, unit: '', bound: atMost(1) },
                note: busy,
              },
            ]
          : [
              {
                ...speed,
                ...{ unit: '', ...(isJudged && { bound }) },
                note: `${straightway.megabitsPerSecond.toFixed(0)} Mbit/s; ${busy}`,
              },
            ]),
      ]
    }),
  ),
  part('idle', [], ({ bytesPerEnd, tunnels }: IdleResult) => [
    {
      measure: 'idle tunnel end, resident memory',
      ...{ value: Math.max(bytesPerEnd.offering, bytesPerEnd.accepting) / 1000, unit: 'KB' },
      ...{ bound: atMost(40), note: `${tunnels} tunnels, the larger side` },
    },
  ]),
  part('million', [], ({ peers, bytesPerSession, keepAlive, messages }: MillionResult) => [
    {
      measure: 'idle session, all in',
      ...{ value: bytesPerSession, unit: 'bytes', bound: atMost(1229), note: `${peers} sessions` },
    },
    {
      measure: 'keep-alives of all of them, without sockets',
      ...{ value: keepAlive.coreShare, unit: 'core', bound: atMost(0.3), note: '' },
    },
    {
      measure: 'message and receipt among them, CPU of the machine',
      ...{ value: messages.microsP50, unit: 'us', note: `99 % within ${messages.microsP99} us` },
    },
  ]),
  part('signin', [], ({ nodeMicros, cryptoMicros, ratio }: SignInResult) => [
    {
      measure: 'sign-in, CPU of the node, over its cryptography alone',
      ...{
        value: ratio,
        unit: '',
        note: `${nodeMicros.toFixed(0)} us, cryptography ${cryptoMicros.toFixed(0)} us`,
      },
    },
  ]),
  part('storm', [], (results: readonly (StormResult & { bound: number })[]) =>
    results.map(({ peers, addresses, allBackSeconds, nodeCpu, bound }) => ({
      measure: `${peers} peers from ${addresses} address(es) are back`,
      ...{
        value: allBackSeconds,
        unit: 's',
        bound: atMost(bound),
        note: `the node's core ${percent(nodeCpu)} busy`,
      },
    })),
  ),
  part('start', ['--idle', '30'], ({ help, system }: StartResult) => [
    {
      measure: 'straightway --help, longer than an empty Node',
      ...{
        value: help.ms - help.bareMs,
        unit: 'ms',
        bound: atMost(150),
        note: `CPU ${help.cpuMs.toFixed(0)} ms`,
      },
    },
    {
      measure: 'npm start is ready',
      ...{
        value: system.readyMs,
        unit: 'ms',
        bound: atMost(3000),
        note: `CPU ${system.cpuToReadyMs.toFixed(0)} ms`,
      },
    },
    {
      measure: 'idle system',
      ...{
        value: system.idleCore * 100,
        unit: '% of a core',
        bound: atMost(1),
        note: 'INDEX, tables, three nodes',
      },
    },
  ]),
  part('rest', [], ({ routes }: RestResult) =>
    routes.map(({ route, cpuMs, ms }) => ({
      measure: route,
      ...{ value: cpuMs, unit: 'ms of CPU', note: `${ms.toFixed(1)} ms elapsed, one request at a time` },
    })),
  ),
]
