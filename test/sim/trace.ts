/**
 * Everything that happens in a world, as one running hash: two runs with the same hash did the same. Two 32-bit lanes, a
 * word at a time, after FNV-1a with different primes; an accident of one run in 2^64 is no concern here.
 */
export class Trace {
  #low = 0x811c9dc5
  #high = 0xcbf29ce4
  /** Set by `npm run sim -- --verbose`: what is hashed is also told. */
  tell: ((line: string) => void) | undefined

  /** Something other than a datagram: a birth, a death, an event of an application. */
  event(at: number, text: string): void {
    this.#number(at)
    for (let i = 0; i < text.length; i++) this.#word(text.charCodeAt(i))
    this.tell?.(`${at.toFixed(3)} ${text}`)
  }

  datagram(at: number, what: 'sent' | 'taken', from: string, to: string, bytes: Uint8Array): void {
    this.event(at, `${what} ${from} ${to} ${bytes.length}`)
    const whole = bytes.length & ~3
    for (let i = 0; i < whole; i += 4)
      this.#word(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    for (let i = whole; i < bytes.length; i++) this.#word(bytes[i]!)
  }

  /** 16 hexadecimal digits. */
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
