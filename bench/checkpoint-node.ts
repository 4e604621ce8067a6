/** The CHECKPOINT node under test. Its directory is empty, which does not matter: keep-alives never ask the directory. */
import { randomBytes } from 'node:crypto'
import { CheckpointMachine } from '../shared/core/checkpoint/checkpoint-machine.ts'
import type { CheckpointEffect, CheckpointInput } from '../shared/core/checkpoint/events.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import { type NodeId, toBase32 } from '../shared/ids.ts'
import { formatAddress } from '../shared/wire/address.ts'
import { drive } from '../udp-edge/drive.ts'
import { replyOfEmptyTables } from './empty-directory.ts'
import { BENCH_TICKET_KEYS } from './ticket.ts'

const identity = identityOf(randomBytes(32))
const machine = new CheckpointMachine({
  node: 'node_bench' as NodeId,
  identity: { publicKey: identity.staticPublic, secretKey: identity.staticSecret },
  fleetKeys: [randomBytes(32)],
  ticketKeys: BENCH_TICKET_KEYS,
  seed: randomBytes(32),
  now: Date.now(),
})
const driver = await drive<CheckpointInput, CheckpointEffect>(machine, {
  sockets: [{ host: '127.0.0.1', port: 0 }],
  perform: (effect) => {
    if (effect.kind !== 'ask') return undefined
    return Promise.resolve({ kind: 'reply', id: effect.id, reply: replyOfEmptyTables(effect.request) })
  },
})
const address = formatAddress(driver.addresses[0]![0]!.words)
console.log(JSON.stringify({ address, publicKey: toBase32(identity.staticPublic) }))
