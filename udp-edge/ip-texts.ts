import { addressOf, formatIp } from '../shared/wire/address.ts'

/** Size of the cache. It is small, because answers go to the sources of requests, soon after these were seen. */
const PLACES = 4096
const MAPPED = 0xffff
const DOT = 46
const ZERO = 48

/**
 * Converts IP addresses between dgram's text and four 32-bit words, without parsing or formatting recent ones again. It has a
 * constant size: each address has one place, and a newer address replaces an older one there.
 */
export class IpTexts {
  readonly #texts = new Array<string>(PLACES).fill('')
  readonly #words = new Uint32Array(PLACES * 4)

  /** Writes the four words of an address; the caller writes the port. False if the text is not an IP address. */
  wordsOf(text: string, words: Uint32Array): boolean {
    const ip = ipv4Of(text)
    if (ip >= 0) {
      words[0] = 0
      words[1] = 0
      words[2] = MAPPED
      words[3] = ip
    } else {
      const address = addressOf(text, 0)
      if (address === undefined) return false
      words.set(address.words)
    }
    this.#remember(text, words, 0)
    return true
  }

  textOf(words: Uint32Array, at: number): string {
    const place = placeOf(words, at)
    const text = this.#texts[place]!
    if (text !== '' && this.#holds(place, words, at)) return text
    return this.#remember(formatIp(words, at), words, at)
  }

  #holds(place: number, words: Uint32Array, at: number): boolean {
    for (let i = 0; i < 4; i++) if (this.#words[place * 4 + i] !== words[at + i]) return false
    return true
  }

  #remember(text: string, words: Uint32Array, at: number): string {
    const place = placeOf(words, at)
    this.#texts[place] = text
    for (let i = 0; i < 4; i++) this.#words[place * 4 + i] = words[at + i]!
    return text
  }
}

function placeOf(words: Uint32Array, at: number): number {
  const mixed = words[at]! ^ words[at + 1]! ^ words[at + 2]! ^ words[at + 3]!
  return (Math.imul(mixed, 0x9e3779b1) >>> 0) % PLACES
}

/** The value of an IPv4 address in dotted decimal, as the system formats it; -1 if the text is something else. */
function ipv4Of(text: string): number {
  let value = 0
  let part = 0
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === DOT) {
      value = value * 256 + part
      part = 0
      dots++
    } else {
      const digit = code - ZERO
      if (digit < 0 || digit > 9) return -1
      part = part * 10 + digit
    }
  }
  return dots === 3 ? value * 256 + part : -1
}
