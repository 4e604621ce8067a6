/** A process with peers that sign in and then send keep-alives. Its argument is a JSON value, and it prints one. */
import { fromBase32, type NodeId } from '../shared/ids.ts'
import { parseAddress } from '../shared/wire/address.ts'
import { KeepAlivePeer } from './keepalive-peer.ts'
import { type Course, measure } from './measure.ts'

export interface KeepAliveLoad extends Course {
  /** Address of the node, as `ip:port`. */
  readonly address: string
  /** X25519 public key of the node, in base32. */
  readonly publicKey: string
  readonly peers: number
}

const load = JSON.parse(process.argv[2]!) as KeepAliveLoad
const node = {
  node: 'node_bench' as NodeId,
  publicKey: fromBase32(load.publicKey)!,
  addresses: [parseAddress(load.address)!],
}
const peers = Array.from({ length: load.peers }, () => new KeepAlivePeer(node))
await Promise.all(peers.map((peer) => peer.signIn()))
console.log(JSON.stringify(await measure(peers, load)))
process.exit(0)
