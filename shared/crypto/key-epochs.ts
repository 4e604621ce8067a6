import { sodium } from './native.ts'
import { ReplayWindow } from './replay-window.ts'

/** Most consecutive epochs that may pass without any datagram reaching the recipient. */
export const MAX_SKIPPED = 8
const KEY_BYTES = 32
const MAX_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
const ZEROS = new Uint8Array(KEY_BYTES)
const tag = new Uint8Array(16)

/** A key and, on the receiving side, the counters that were used with it. */
export class KeyEpoch {
  readonly key: Uint8Array
  #window: ReplayWindow | undefined

  constructor(key: Uint8Array, window?: ReplayWindow) {
    this.key = key
    this.#window = window
  }

  get window(): ReplayWindow {
    this.#window ??= new ReplayWindow()
    return this.#window
  }
}

/**
 * The keys of one direction. Each epoch's key is derived from the previous one by REKEY (Noise specification, 4.2), so a key
 * reveals nothing about earlier ones. Three kinds of epochs are kept: the current one, the one before it, and later ones that
 * `at` has derived. A later epoch becomes current by `advance` only.
 */
export class KeyEpochs {
  /** Consecutive epochs, starting with number #first. */
  readonly #epochs: KeyEpoch[]
  #first = 0
  #current = 0

  /** `key`: 32 bytes, copied. `window`: the counters that were used with it; default none. */
  constructor(key: Uint8Array, window?: ReplayWindow) {
    this.#epochs = [new KeyEpoch(new Uint8Array(key), window)]
  }

  /** The given epoch; undefined if it is too old or too far ahead. */
  at(epoch: number): KeyEpoch | undefined {
    if (epoch < this.#first || epoch > this.#current + MAX_SKIPPED + 1) return undefined
    while (this.#first + this.#epochs.length <= epoch) this.#epochs.push(after(this.#epochs.at(-1)!))
    return this.#epochs[epoch - this.#first]
  }

  /** Makes an epoch current, once a datagram of it was sent or opened. Epochs more than one before it are erased. */
  advance(epoch: number): void {
    if (epoch <= this.#current || this.at(epoch) === undefined) return
    this.#current = epoch
    const old = this.#epochs.splice(0, epoch - 1 - this.#first)
    for (const { key } of old) sodium.sodium_memzero(key)
    this.#first += old.length
  }

  /** Erases all keys. */
  erase(): void {
    for (const { key } of this.#epochs) sodium.sodium_memzero(key)
    this.#epochs.length = 0
    this.#first = Number.POSITIVE_INFINITY
  }
}

function after({ key }: KeyEpoch): KeyEpoch {
  const next = new Uint8Array(KEY_BYTES)
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(next, tag, ZEROS, null, null, MAX_NONCE, key)
  return new KeyEpoch(next)
}
