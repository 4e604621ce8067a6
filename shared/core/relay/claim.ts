import { hash128, sameBytes } from '../../crypto/hash.ts'
import { Writer } from '../../wire/cursor.ts'
import { RELAY_OP } from '../../wire/numbers.ts'
import type { RelayClaim } from '../../wire/relay.ts'

/** Makes a claim with a MAC under the key of its grant. Without the key nobody can make one or change its stamp or op. */
export function makeClaim(
  op: RelayClaim['op'],
  stamp: number,
  { grant, key }: { readonly grant: Uint8Array; readonly key: Uint8Array },
): RelayClaim {
  return { op, stamp, grant, mac: macOf(op, stamp, grant, key) }
}

export function isClaimGood({ op, stamp, grant, mac }: RelayClaim, key: Uint8Array): boolean {
  return sameBytes(mac, macOf(op, stamp, grant, key))
}

/** BLAKE2b-128 over op u8, stamp u48 and the grant. */
function macOf(op: RelayClaim['op'], stamp: number, grant: Uint8Array, key: Uint8Array): Uint8Array {
  const head = new Writer(new Uint8Array(7)).u8(op === 'bind' ? RELAY_OP.BIND : RELAY_OP.RELEASE).u48(stamp)
  return hash128(key, head.done(), grant)
}
