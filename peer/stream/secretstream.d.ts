/** libsodium's secretstream, as named exports of sodium-native. Buffers of a wrong length throw. */
declare module 'sodium-native' {
  export function crypto_secretstream_xchacha20poly1305_init_push(
    state: Uint8Array,
    header: Uint8Array,
    key: Uint8Array,
  ): void
  export function crypto_secretstream_xchacha20poly1305_init_pull(
    state: Uint8Array,
    header: Uint8Array,
    key: Uint8Array,
  ): void
  export function crypto_secretstream_xchacha20poly1305_push(
    state: Uint8Array,
    ciphertext: Uint8Array,
    plaintext: Uint8Array,
    additional: Uint8Array | null,
    tag: number,
  ): number
  /** Throws if the ciphertext is not the next one of the stream. */
  export function crypto_secretstream_xchacha20poly1305_pull(
    state: Uint8Array,
    plaintext: Uint8Array,
    tag: Uint8Array,
    ciphertext: Uint8Array,
    additional: Uint8Array | null,
  ): number
}
