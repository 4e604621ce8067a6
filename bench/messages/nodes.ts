import { identityOf } from '../../shared/crypto/identity.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { type NodeId, toBase32 } from '../../shared/ids.ts'

export const FLEET_KEY = new Uint8Array(32).fill(6)
const YEAR_SECONDS = 365 * 86_400

/** A node that is known by its port and its seed. */
export function nodeOf(port: number, seed: number) {
  const { staticPublic: publicKey, staticSecret: secretKey } = identityOf(new Uint8Array(32).fill(seed))
  const address = `127.0.0.1:${port}`
  const item: FleetItem = {
    ...{ node: `node_bench${seed}` as NodeId, roles: ['checkpoint'], publicKey: toBase32(publicKey) },
    ...{ addresses: { checkpoint: [address] }, load: 0, draining: false, startedAt: 0 },
    expiresAtSeconds: Math.floor(Date.now() / 1000) + YEAR_SECONDS,
  }
  return { item, address, keys: { publicKey, secretKey } }
}
