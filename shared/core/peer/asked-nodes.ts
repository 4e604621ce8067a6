import { ADDRESS_WORDS, PORT_WORD, sameAddress, sameIp } from '../../wire/address.ts'
import { COMMON_PORTS } from '../../wire/common-port.ts'
import { OWN_PORT } from './service-port.ts'

/** A round of sign-in asks a few nodes, each at one or two addresses. */
const MOST = 16

/** The addresses at which CHECKPOINTs were asked lately. An answer from a common port is attributed to one of them. */
export class AskedNodes {
  #asked: Uint32Array[] = []

  add(words: Uint32Array, at: number): void {
    if (this.#asked.length > 0 && sameAddress(this.#asked[0]!, 0, words, at)) return
    const others = this.#asked.filter((known) => !sameAddress(known, 0, words, at))
    this.#asked = [words.slice(at, at + ADDRESS_WORDS), ...others].slice(0, MOST)
  }

  /** The address of the node that sent from here, and the common port that it used; 0 if it is the node's own port. */
  nodeAt(words: Uint32Array): { readonly words: Uint32Array; readonly port: number } {
    const port = words[PORT_WORD]!
    const isOwn = this.#asked.some((known) => sameAddress(known, 0, words, 0))
    const node = isOwn ? undefined : this.#asked.find((known) => sameIp(known, 0, words, 0))
    if (node === undefined || !(COMMON_PORTS as readonly number[]).includes(port))
      return { words, port: OWN_PORT }
    return { words: node, port }
  }
}
