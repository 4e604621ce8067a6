import { sodium } from './native.ts'
import { ReplayWindow } from './replay-window.ts'

/** Epochs that may be skipped: of all that was sent in them nothing arrived. */
export const MAX_SKIPPED = 8
const KEY_BYTES = 32
const MAX_NONCE = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
const ZEROS = new Uint8Array(KEY_BYTES)
const tag = new Uint8Array(16)

/** A key and, on the receiving side, the counters seen under it. */
export class KeyEpoch {
  readonly key: Uint8Array
  #window: ReplayWindow | undefined

  constructor(key: Uint8Array) {
    this.key = key
  }

  get window(): ReplayWindow {
    this.#window ??= new ReplayWindow()
    return this.#window
  }
}

/**
 * The keys of one direction: each epoch's key is made from the one before by REKEY (Noise specification, 4.2), so that a
 * key says nothing of earlier ones. Kept are the epoch in use, the one before it, and those asked for ahead of it, which
 * become lasting only by `advance`.
 */
export class KeyEpochs {
  /** From #first on, without gaps. */
  readonly #epochs: KeyEpoch[]
  #first = 0
  #current = 0

  /** `key`: 32 bytes, copied. */
  constructor(key: Uint8Array) {
    this.#epochs = [new KeyEpoch(new Uint8Array(key))]
  }

  /** Undefined where the epoch is too old or too far ahead. */
  at(epoch: number): KeyEpoch | undefined {
    if (epoch < this.#first || epoch > this.#current + MAX_SKIPPED + 1) return undefined
    while (this.#first + this.#epochs.length <= epoch) this.#epochs.push(after(this.#epochs.at(-1)!))
    return this.#epochs[epoch - this.#first]
  }

  /** Something of this epoch was sent or opened; what lies more than one epoch before is forgotten. */
  advance(epoch: number): void {
    if (epoch <= this.#current || this.at(epoch) === undefined) return
    this.#current = epoch
    const old = this.#epochs.splice(0, epoch - 1 - this.#first)
    for (const { key } of old) sodium.sodium_memzero(key)
    this.#first += old.length
  }
}

function after({ key }: KeyEpoch): KeyEpoch {
  const next = new Uint8Array(KEY_BYTES)
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(next, tag, ZEROS, null, null, MAX_NONCE, key)
  return new KeyEpoch(next)
}
