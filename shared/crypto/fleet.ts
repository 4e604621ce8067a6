import { NONCE_BYTES, openBox, sealBox } from './box.ts'
import { hash256 } from './hash.ts'

/** The purpose of a sealed message. A message sealed for one purpose never opens for another. */
export type FleetPurpose = 'node' | 'stun' | 'handshake' | 'relay'

/** Fleet keys, 32 bytes each. During a rotation the new key seals, and both keys open. */
export type FleetKeys = readonly Uint8Array[]

/**
 * Seals a message within the fleet. The result is nonce, ciphertext and tag: 40 bytes more than the plaintext. `nonce`: 24
 * random bytes. `recipient`: must be given again to open the message; default: none, so any key holder opens it.
 */
export function sealFleet(
  key: Uint8Array,
  purpose: FleetPurpose,
  plaintext: Uint8Array,
  nonce: Uint8Array,
  recipient: Uint8Array | null = null,
): Uint8Array {
  const sealed = new Uint8Array(NONCE_BYTES + plaintext.length + 16)
  sealed.set(nonce)
  sealed.set(sealBox(purposeKey(key, purpose), nonce, plaintext, recipient), NONCE_BYTES)
  return sealed
}

/** Opens a sealed message. Undefined if none of the keys sealed it for this purpose and recipient. */
export function openFleet(
  keys: FleetKeys,
  purpose: FleetPurpose,
  sealed: Uint8Array,
  recipient: Uint8Array | null = null,
): Uint8Array | undefined {
  return openFleetWith(keys, purpose, sealed, recipient)?.plaintext
}

/** Like `openFleet`, but also returns the key that sealed the message. */
export function openFleetWith(
  keys: FleetKeys,
  purpose: FleetPurpose,
  sealed: Uint8Array,
  recipient: Uint8Array | null = null,
): { readonly plaintext: Uint8Array; readonly key: Uint8Array } | undefined {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const body = sealed.subarray(NONCE_BYTES)
  for (const key of keys) {
    const plaintext = openBox(purposeKey(key, purpose), nonce, body, recipient)
    if (plaintext !== undefined) return { plaintext, key }
  }
  return undefined
}

const purposeKey = (key: Uint8Array, purpose: FleetPurpose): Uint8Array =>
  hash256(key, `straightway/fleet/1/${purpose}`)
