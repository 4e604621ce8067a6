/** The nodes of a simulated fleet: the real machine, its address and its lease. */
import { randomBytes } from 'node:crypto'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import type { PeerNode } from '../../shared/core/peer/events.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { type NodeId, toBase32 } from '../../shared/ids.ts'
import { formatAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { BENCH_TICKET_KEYS } from '../ticket.ts'

/** Address of the first node: 192.0.2.0. The others follow. */
export const FIRST_NODE = 0xc0000200
const NODE_PORT = 3480
export const START = 1_800_000_000_000
/** Life of a lease that is not renewed. */
const LIFE_SECONDS = 30
/** Interval of keep-alives: longer than in reality, because they use no table. */
const KEEP_ALIVE_MS = 24 * 3600_000

export interface BenchNode {
  readonly id: NodeId
  readonly machine: CheckpointMachine
  readonly arrived: Batch
  readonly out: Batch
  readonly words: Uint32Array
  isDead: boolean
}

export function newNode(i: number, key: Uint8Array): { node: BenchNode; known: PeerNode } {
  const identity = identityOf(randomBytes(32))
  const id = `node_${toBase32(Uint8Array.of(i >> 8, i & 255, 1, 1, 1))}` as NodeId
  const machine = new CheckpointMachine({
    ...{ node: id, identity: { publicKey: identity.staticPublic, secretKey: identity.staticSecret } },
    ...{ fleetKeys: [key], ticketKeys: BENCH_TICKET_KEYS, seed: randomBytes(32), now: START },
    ...{ keepAliveMs: KEEP_ALIVE_MS, cookiesAbove: Number.POSITIVE_INFINITY },
  })
  const words = Uint32Array.of(0, 0, 0xffff, FIRST_NODE + i, NODE_PORT)
  const node = { id, machine, arrived: new Batch(), out: new Batch(), words, isDead: false }
  return { node, known: { node: id, publicKey: identity.staticPublic, addresses: [{ words }] } }
}

export function leaseOf({ id, words, machine }: BenchNode, now: number): FleetItem {
  const address = formatAddress(words)
  return {
    node: id,
    roles: ['checkpoint'],
    publicKey: toBase32(new Uint8Array(32)),
    addresses: { checkpoint: [address] },
    ...{ load: machine.load, draining: false, startedAt: START },
    expiresAtSeconds: Math.floor(now / 1000) + LIFE_SECONDS,
  }
}
