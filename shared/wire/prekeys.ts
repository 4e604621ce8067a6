/**
 * Signed prekeys: the keys that messages are sealed for (README.md, section 3). Bodies of frames:
 *
 *   ASK_PREKEY   peer 32 · known u32 (number of the prekey that the asker has already; 0: none)
 *   PREKEY       peer 32 · bytes16 prekey (empty: none is known)
 *
 *   prekey       key 32 (X25519) · signedAt u48 · signature 64 (Ed25519, by the identity of its owner)
 *
 * A prekey is signed over `straightway/prekey/1` · signedAt u48 · key 32. Its number is the first four bytes of its key.
 */
import type { PeerId } from '../ids.ts'
import { Reader } from './cursor.ts'
import { sized } from './frames.ts'
import { PREKEY_BYTES } from './numbers.ts'
import { readPeer, writePeer } from './presence.ts'

const CONTEXT = new TextEncoder().encode('straightway/prekey/1')

export interface Prekey {
  /** X25519, 32 bytes. */
  readonly key: Uint8Array
  /** Epoch milliseconds by the clock of the owner's node. */
  readonly signedAt: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

export interface PrekeyQuestion {
  readonly peer: PeerId
  /** Number of the prekey that the asker has already; 0 for none. A node that remembers this one looks again. */
  readonly known: number
}

export interface PrekeyAnswer {
  readonly peer: PeerId
  /** PREKEY_BYTES as their owner encoded them, or none. Nodes do not check them. */
  readonly prekey: Uint8Array
}

/** The number by which a message names the key that it is sealed for. 0 is no number of a prekey: it means the identity. */
export const prekeyNumber = (key: Uint8Array): number => new Reader(key).u32()

/** The bytes that the owner of a prekey signs. */
export function signedPart({ key, signedAt }: Pick<Prekey, 'key' | 'signedAt'>): Uint8Array {
  return sized(CONTEXT.length + 38)
    .put(CONTEXT)
    .u48(signedAt)
    .put(key)
    .done()
}

export function encodePrekey({ key, signedAt, signature }: Prekey): Uint8Array {
  return sized(PREKEY_BYTES).put(key).u48(signedAt).put(signature).done()
}

export function decodePrekey(bytes: Uint8Array): Prekey | undefined {
  const reader = new Reader(bytes)
  const [key, signedAt, signature] = [reader.bytes(32).slice(), reader.u48(), reader.bytes(64).slice()]
  return reader.ok ? { key, signedAt, signature } : undefined
}

export function encodePrekeyQuestion({ peer, known }: PrekeyQuestion): Uint8Array {
  return writePeer(sized(36), peer).u32(known).done()
}

export function decodePrekeyQuestion(bytes: Uint8Array): PrekeyQuestion | undefined {
  const reader = new Reader(bytes)
  const [peer, known] = [readPeer(reader), reader.u32()]
  return reader.ok ? { peer, known } : undefined
}

export function encodePrekeyAnswer({ peer, prekey }: PrekeyAnswer): Uint8Array {
  return writePeer(sized(34 + prekey.length), peer)
    .bytes16(prekey)
    .done()
}

export function decodePrekeyAnswer(bytes: Uint8Array): PrekeyAnswer | undefined {
  const reader = new Reader(bytes)
  const [peer, prekey] = [readPeer(reader), reader.bytes16().slice()]
  return reader.ok ? { peer, prekey } : undefined
}
