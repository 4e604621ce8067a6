/**
 * A CHECKPOINT of the benchmark: node.ts PORT SEED [OTHER_PORT OTHER_SEED]. It prints a line when it serves. Its tables say that
 * every peer is of one network, and that a peer which is not here is at the other node.
 */
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import type { CheckpointEffect, CheckpointInput } from '../../shared/core/checkpoint/events.ts'
import type { DirectoryReply, DirectoryRequest } from '../../shared/directory.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import { drive } from '../../udp-edge/drive.ts'
import { replyOfEmptyTables } from '../empty-directory.ts'
import { BENCH_TICKET_KEYS } from '../ticket.ts'
import { FLEET_KEY, nodeOf } from './nodes.ts'

const NETWORK = 'n_aaaaaaaaaaaaaaaa' as NetworkId
const [port, seed, otherPort, otherSeed] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number?,
  number?,
]
const self = nodeOf(port, seed)
const other = otherPort === undefined ? undefined : nodeOf(otherPort, otherSeed!)
const machine = new CheckpointMachine({
  node: self.item.node,
  identity: self.keys,
  fleetKeys: [FLEET_KEY],
  ticketKeys: BENCH_TICKET_KEYS,
  seed: new Uint8Array(32).fill(seed),
  now: Date.now(),
})
const driver = await drive<CheckpointInput, CheckpointEffect>(machine, {
  sockets: [{ host: '127.0.0.1', port }],
  perform: (effect) => {
    if (effect.kind !== 'ask') return undefined
    return Promise.resolve({ kind: 'reply', id: effect.id, reply: replyTo(effect.request) })
  },
})
driver.handle({ kind: 'pushesBack' })
driver.handle({ kind: 'fleet', nodes: [self, other].flatMap((one) => (one ? [one.item] : [])) })
console.log('ready')

function replyTo(request: DirectoryRequest): DirectoryReply {
  const standing = { networks: [NETWORK], blocks: 0 }
  if (request.kind !== 'locate') return replyOfEmptyTables(request, standing)
  const { peer } = request
  const located = { peer, user: `u_${peer.slice(0, 16)}` as UserId, since: 0, status: 'online' } as const
  return {
    kind: 'locate',
    located: { ...located, ...standing, hidden: false, ...(other && { node: other.item.node }) },
  }
}
