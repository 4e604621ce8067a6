/**
 * Noise_IK_25519_ChaChaPoly_BLAKE2b (Noise specification, revision 34). After two messages both sides hold two keys, and
 * know each other's static key. The initiator knows the responder's static key beforehand.
 *
 *   initiate  makes message 1; `complete` reads message 2, as often as it takes: one that is not right changes nothing
 *   respond   reads message 1; `answer` makes message 2
 *
 * Message 1 can be replayed to the responder, so its payload must contain the time of sending. No input bytes make these
 * functions throw. They copy with `new Uint8Array`, because the library returns Buffers, whose `slice` is only a view.
 */

import type { ChannelKeys } from './channel.ts'
import { NoiseState, sodium } from './native.ts'
import type { NoiseHandshake } from './primitives.ts'

/** An X25519 key pair, 32 bytes each. */
export interface StaticKeys {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

export interface Initiation {
  readonly message: Uint8Array
  /** Reads message 2. Undefined if the bytes are not the answer to `message`. */
  complete(answer: Uint8Array): Completed | undefined
}

export interface Completed {
  /** Payload of message 2. */
  readonly payload: Uint8Array
  readonly keys: ChannelKeys
  /** Handshake hash: 64 bytes, equal on both sides and unique to this handshake. */
  readonly hash: Uint8Array
}

export interface Request {
  /** Payload of message 1. It is authentic, but may be a replay. */
  readonly payload: Uint8Array
  /** Static key of the initiator. */
  readonly remotePublic: Uint8Array
  /** Makes message 2; call it once. `ephemeralSeed`: 32 random bytes, used for nothing else. */
  answer(payload: Uint8Array, ephemeralSeed: Uint8Array): Answered
}

export interface Answered {
  readonly message: Uint8Array
  readonly keys: ChannelKeys
  readonly hash: Uint8Array
}

export interface InitiateOptions {
  readonly prologue: Uint8Array
  readonly self: StaticKeys
  readonly remotePublic: Uint8Array
  /** 32 random bytes, used for nothing else: they become the ephemeral secret key. */
  readonly ephemeralSeed: Uint8Array
  readonly payload: Uint8Array
}

/** Bytes that each message adds to its payload. */
export const MESSAGE_1_OVERHEAD = 32 + 48 + 16
export const MESSAGE_2_OVERHEAD = 32 + 16

/** Makes message 1. Undefined if `remotePublic` is not a valid key for key agreement. */
export function initiate(given: InitiateOptions): Initiation | undefined {
  const options = { ...given, payload: new Uint8Array(given.payload) }
  let begun = attempt(() => begin(options))
  if (begun === undefined) return undefined
  const { message } = begun
  return {
    message,
    complete(answer) {
      const { state } = begun ?? begin(options)
      begun = undefined
      const payload = attempt(() => state.recv(new Uint8Array(answer)))
      return payload && { payload: new Uint8Array(payload), ...outcomeOf(state) }
    },
  }
}

/** Reads message 1. Undefined if the bytes are not a message 1 for this prologue and key. */
export function respond(
  { prologue, self }: { readonly prologue: Uint8Array; readonly self: StaticKeys },
  message: Uint8Array,
): Request | undefined {
  const state = new NoiseState('IK', false, self)
  state.initialise(prologue)
  const payload = attempt(() => state.recv(new Uint8Array(message)))
  if (payload === undefined) return undefined
  return {
    payload: new Uint8Array(payload),
    remotePublic: new Uint8Array(state.rs!),
    answer(reply, ephemeralSeed) {
      state.e = ephemeralOf(ephemeralSeed)
      return { message: new Uint8Array(state.send(reply)), ...outcomeOf(state) }
    },
  }
}

/** Starts as initiator. A state that failed to read is unusable; starting again with the same seed gives the same message 1. */
function begin({ prologue, self, remotePublic, ephemeralSeed, payload }: InitiateOptions) {
  const state = new NoiseState('IK', true, self)
  state.initialise(prologue, remotePublic)
  state.e = ephemeralOf(ephemeralSeed)
  return { state, message: new Uint8Array(state.send(payload)) }
}

function ephemeralOf(seed: Uint8Array): StaticKeys {
  const publicKey = new Uint8Array(32)
  const secretKey = new Uint8Array(seed)
  sodium.crypto_scalarmult_base(publicKey, secretKey)
  return { publicKey, secretKey }
}

function outcomeOf(state: NoiseHandshake): { keys: ChannelKeys; hash: Uint8Array } {
  return {
    keys: { send: new Uint8Array(state.tx!), receive: new Uint8Array(state.rx!) },
    hash: new Uint8Array(state.hash!),
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
