import { NONCE_BYTES, openBox, sealBox } from './box.ts'
import { hash256 } from './hash.ts'

/** What is sealed for one purpose never opens for another. */
export type FleetPurpose = 'node' | 'stun' | 'handshake' | 'relay'

/** A fleet key, 32 bytes. While it is being changed the new one seals and both open. */
export type FleetKeys = readonly Uint8Array[]

/**
 * Nonce, ciphertext, tag: 40 bytes more than the plaintext. `nonce`: 24 random bytes. `recipient`: the only one of the fleet
 * who can open it; default anybody who has the key.
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

/** Undefined if none of the keys sealed it for this purpose and recipient. */
export function openFleet(
  keys: FleetKeys,
  purpose: FleetPurpose,
  sealed: Uint8Array,
  recipient: Uint8Array | null = null,
): Uint8Array | undefined {
  return openFleetWith(keys, purpose, sealed, recipient)?.plaintext
}

/** As `openFleet`, and says which of the keys it was. */
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
