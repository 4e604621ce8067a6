/** Long bytes that are sent in two frames, and collected from them in any order. */
import type { Rekey } from '../../wire/tunnel.ts'

type Half = NonNullable<Rekey['half']>

/** The two halves of bytes of an even length. */
export function halvesOf(bytes: Uint8Array): readonly [Half, Half] {
  const middle = bytes.length / 2
  return [
    { part: 0, bytes: bytes.slice(0, middle) },
    { part: 1, bytes: bytes.slice(middle) },
  ]
}

export class Halves {
  readonly #bytes: number
  readonly #parts: [Uint8Array?, Uint8Array?] = []

  /** `bytes`: length of the whole. */
  constructor(bytes: number) {
    this.#bytes = bytes
  }

  has(part: 0 | 1): boolean {
    return this.#parts[part] !== undefined
  }

  /** The first of each half counts; one of another length is ignored. */
  put({ part, bytes }: Half): void {
    if (bytes.length * 2 === this.#bytes) this.#parts[part] ??= bytes
  }

  /** The whole; undefined while a half is missing. */
  get whole(): Uint8Array | undefined {
    const [first, second] = this.#parts
    if (first === undefined || second === undefined) return undefined
    const whole = new Uint8Array(this.#bytes)
    whole.set(first)
    whole.set(second, first.length)
    return whole
  }
}
