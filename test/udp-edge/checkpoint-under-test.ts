import { identityOf } from '../../shared/crypto/identity.ts'
import type { Directory } from '../../shared/directory.ts'
import type { NodeId } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { bindDgram } from '../../udp-edge/bind.ts'
import { startCheckpoint } from '../../udp-edge/checkpoint.ts'
import { ScriptedPeer } from '../core/checkpoint/scripted-peer.ts'
import { FLEET_KEY, ISSUER, ticketFor } from '../core/checkpoint/world.ts'

export const NODE = 'node_aaaaaaaa' as NodeId

/** A CHECKPOINT on a real socket, and what a peer needs to sign in there. */
export async function startNode(directory: Directory) {
  const keys = identityOf(new Uint8Array(32).fill(1))
  const identity = { publicKey: keys.staticPublic, secretKey: keys.staticSecret }
  const checkpoint = await startCheckpoint({
    ...{ host: '127.0.0.1', port: 0, node: NODE, identity },
    ...{ fleetKeys: [FLEET_KEY], ticketKeys: new Map([['k1', ISSUER.publicKey]]) },
    directory,
  })
  return { checkpoint, publicKey: identity.publicKey, address: parseAddress(checkpoint.address)! }
}

/** A scripted peer on a real socket. `until` resolves when a condition holds after a datagram arrived. */
export async function startPeer(seed: number, user: string) {
  const identity = identityOf(new Uint8Array(32).fill(seed))
  const ticket = ticketFor(identity, user, Date.now())
  const inbox = new Batch()
  const scripted = new ScriptedPeer({ identity, ticket, address: parseAddress('127.0.0.1:0')! })
  const [out, waiting] = [new Batch(), [] as { holds: () => boolean; done: () => void }[]]
  const flush = () => {
    scripted.session?.flush(out, Date.now())
    socket.send(out, 0, out.count)
    out.clear()
  }
  const arrived = () => {
    for (let i = 0; i < inbox.count; i++) scripted.receive(inbox, i, Date.now())
    inbox.clear()
    flush()
    for (const { holds, done } of waiting) if (holds()) done()
  }
  const socket = await bindDgram({ host: '127.0.0.1', port: 0 }, { batch: inbox, socket: 0, arrived })
  const until = (holds: () => boolean) => new Promise<void>((done) => waiting.push({ holds, done }))
  return { scripted, out, flush, until, socket }
}
