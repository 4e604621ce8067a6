/** Measures the keep-alives that a CHECKPOINT node acknowledges, from peers that signed in with the SDK's own machine. */
import { KEEP_ALIVE_MS } from '../shared/core/checkpoint/assemble.ts'
import { startScript, startScriptWith } from './child.ts'
import type { KeepAliveLoad } from './keepalive-load.ts'
import type { Measured } from './measure.ts'
import { type Rate, rateOf } from './rate.ts'

const WARM_UP_MS = 500
/** Number of peers: too few for the node to require cookies. */
const PEERS = 32
const WINDOW = 64

/** The output of `checkpoint-node.ts`. */
export interface CheckpointNode {
  readonly address: string
  readonly publicKey: string
}

export interface KeepAliveResult {
  /** With the addon of `udp-edge/native`, and with Node's dgram. */
  readonly ours: Rate
  readonly dgram: Rate
  /** Keep-alives for a CPU second, the addon's over dgram's. */
  readonly ratio: number
  /** Peers that one core can keep: one keep-alive per peer every KEEP_ALIVE_MS, and no other work. */
  readonly peersPerCore: number
}

/** Turns of each, in alternation. */
const ROUNDS = 3

export async function benchKeepAlive(seconds: number): Promise<KeepAliveResult> {
  const [native, dgram]: [Measured[], Measured[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    native.push(await measured(seconds / ROUNDS, {}))
    dgram.push(await measured(seconds / ROUNDS, { STRAIGHTWAY_UDP: 'dgram' }))
  }
  const [ours, theirs] = [rateOf(native), rateOf(dgram)]
  const peersPerCore = (ours.perCpuSecond * KEEP_ALIVE_MS) / 1000
  return { ours, dgram: theirs, ratio: ours.perCpuSecond / theirs.perCpuSecond, peersPerCore }
}

async function measured(seconds: number, environment: Readonly<Record<string, string>>): Promise<Measured> {
  const server = startScriptWith(environment, 'checkpoint-node.ts')
  try {
    const node = JSON.parse(await server.line()) as CheckpointNode
    const course = { window: WINDOW, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000, pid: server.pid }
    const told: KeepAliveLoad = { ...node, ...course, peers: PEERS }
    const child = startScript('keepalive-load.ts', JSON.stringify(told))
    try {
      return JSON.parse(await child.line()) as Measured
    } finally {
      await child.stop()
    }
  } finally {
    await server.stop()
  }
}
