/** The part of noise-handshake that is used here; the package has no types. */
declare module 'noise-handshake' {
  interface KeyPair {
    publicKey: Uint8Array
    secretKey: Uint8Array
  }
  export default class NoiseState {
    constructor(pattern: 'IK', initiator: boolean, self: KeyPair)
    /** The ephemeral pair; drawn from the system where it is null when needed. Zeroed at the end. */
    e: KeyPair | null
    /** The static key of the other side, once known. */
    rs: Uint8Array | null
    rx: Uint8Array | null
    tx: Uint8Array | null
    hash: Uint8Array | null
    initialise(prologue: Uint8Array, remotePublic?: Uint8Array): void
    send(payload: Uint8Array): Uint8Array
    /** Throws on a bad message, and is of no use afterwards. Zeroes part of the message at the end. */
    recv(message: Uint8Array): Uint8Array
  }
}
