/** Ids that derive from the number of a peer or a network, and the numbers in them. */
import { fromBase32, type NetworkId, type PeerId, toBase32, type UserId } from '../../shared/ids.ts'

const ID_BYTES = 32
const DIGITS = 'bcdefghijk'
/** Length of a network's id, without the prefix. */
const NETWORK_LETTERS = 16

export const userOf = (peer: PeerId): UserId => `u_${peer.slice(0, 16)}` as UserId

export function networkId(index: number): NetworkId {
  const letters = [...String(index)].map((digit) => DIGITS[Number(digit)])
  return `n_${letters.join('').padStart(NETWORK_LETTERS, 'a')}` as NetworkId
}

export const networkIndex = (network: NetworkId): number =>
  Number([...network.slice(2)].map((letter) => Math.max(0, DIGITS.indexOf(letter))).join(''))

/** The id of a peer without a key of its own. */
export function seatedPeer(number: number): PeerId {
  const bytes = new Uint8Array(ID_BYTES)
  new DataView(bytes.buffer).setUint32(0, number)
  return toBase32(bytes) as PeerId
}

/** The number of a peer without a key of its own, from the id of the peer or of its user. Undefined for other peers. */
export function seatedNumber(id: PeerId | UserId): number | undefined {
  const bytes = fromBase32(id.replace('u_', ''))
  if (bytes === undefined || bytes.subarray(4).some((byte) => byte !== 0)) return undefined
  return new DataView(bytes.buffer).getUint32(0)
}
