/** Measures the keep-alives that a CHECKPOINT node acknowledges, from peers that signed in with the SDK's own machine. */
import { KEEP_ALIVE_MS } from '../shared/core/checkpoint/assemble.ts'
import { startScript } from './child.ts'
import type { KeepAliveLoad } from './keepalive-load.ts'
import type { Measured } from './measure.ts'
import { type Rate, rateOf } from './rate.ts'

const WARM_UP_MS = 500
/** Number of peers: too few for the node to require cookies. */
const PEERS = 32
const WINDOW = 8

/** The output of `checkpoint-node.ts`. */
export interface CheckpointNode {
  readonly address: string
  readonly publicKey: string
}

export interface KeepAliveResult {
  readonly ours: Rate
  /** Peers that one core can keep: one keep-alive per peer every KEEP_ALIVE_MS, and no other work. */
  readonly peersPerCore: number
}

export async function benchKeepAlive(seconds: number): Promise<KeepAliveResult> {
  const server = startScript('checkpoint-node.ts')
  try {
    const node = JSON.parse(await server.line()) as CheckpointNode
    const course = { window: WINDOW, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000, pid: server.pid }
    const told: KeepAliveLoad = { ...node, ...course, peers: PEERS }
    const child = startScript('keepalive-load.ts', JSON.stringify(told))
    try {
      const ours = rateOf([JSON.parse(await child.line()) as Measured])
      return { ours, peersPerCore: (ours.perCpuSecond * KEEP_ALIVE_MS) / 1000 }
    } finally {
      await child.stop()
    }
  } finally {
    await server.stop()
  }
}
