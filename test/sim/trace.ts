/**
 * A running hash of everything that happens in a world: two runs with the same hash did the same. It has two 32-bit lanes
 * that hash a word at a time, like FNV-1a with different primes. A collision in one run of 2^64 is acceptable.
 */
export class Trace {
  #low = 0x811c9dc5
  #high = 0xcbf29ce4
  /** Receives a line for everything that is hashed. Set by `npm run sim -- --verbose`. */
  tell: ((line: string) => void) | undefined
  /** False if the bytes of datagrams are not hashed, only what came of them: for runs with hundreds of millions of them. */
  hashesDatagrams = true

  /** Records something other than a datagram: a start, an end, an event of an application. */
  event(at: number, text: string): void {
    this.#number(at)
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i))
    this.tell?.(`${at.toFixed(3)} ${text}`)
  }

  datagram(at: number, what: 'sent' | 'taken', from: string, to: string, bytes: Uint8Array): void {
    if (!this.hashesDatagrams) return
    this.event(at, `${what} ${from} ${to} ${bytes.length}`)
    const whole = bytes.length & ~3
    for (let i = 0; i < whole; i += 4)
      this.#word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    for (let i = whole; i < bytes.length; i++) this.#word(bytes[i]!)
  }

  /** The hash so far: 16 hexadecimal digits. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  #number(value: number): void {
    const micros = Math.round(value * 1000)
    this.#word(micros % 0x1_0000_0000)
    this.#word(Math.floor(micros / 0x1_0000_0000))
  }

  #word(word: number): void {
    this.#low = Math.imul(this.#low ^ word ^ (word >>> 15), 0x01000193)
    this.#high = Math.imul(this.#high ^ word, 0x85ebca6b) ^ (this.#high >>> 15)
  }
}
