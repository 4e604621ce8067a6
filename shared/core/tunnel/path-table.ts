import { sameAddress } from '../../wire/address.ts'
import { heardCredit, namedCredit, newPath, type Path } from './path.ts'

/** Addresses of both sides' machines, of both families, with room for what a changing NAT adds. */
const MAX_PATHS = 32
/** An unproven path makes room for another only after this: who invents sources gains nothing by inventing faster. */
const UNPROVEN_MS = 10_000

/** The few paths of a tunnel, by the address of the other end and the own socket. */
export class PathTable implements Iterable<Path> {
  readonly #paths: Path[] = []

  get size(): number {
    return this.#paths.length
  }

  [Symbol.iterator](): IterableIterator<Path> {
    return this.#paths[Symbol.iterator]()
  }

  find(words: Uint32Array, at: number, socket: number): Path | undefined {
    for (const path of this.#paths) {
      if (path.socket === socket && sameAddress(path.words, 0, words, at)) return path
    }
    return undefined
  }

  /**
   * The path of that address, made where there is none; undefined where there is no room. What is a relay's is no direct
   * one, whoever sent from there before. `from`: what a new path may be sent before it is validated.
   */
  reach(
    kind: Path['kind'],
    words: Uint32Array,
    at: number,
    socket: number,
    now: number,
    from: 'named' | 'heard' = 'named',
  ): Path | undefined {
    const known = this.find(words, at, socket)
    if (known !== undefined && (known.kind === kind || kind === 'direct')) return known
    if (known !== undefined) this.remove(known)
    if (this.#paths.length >= MAX_PATHS && !this.#makeRoom(now)) return undefined
    const credit = from === 'named' ? namedCredit() : heardCredit()
    const path = newPath(kind, words.slice(at, at + 5), socket, credit, now)
    this.#paths.push(path)
    return path
  }

  remove(path: Path): void {
    const at = this.#paths.indexOf(path)
    if (at >= 0) this.#paths.splice(at, 1)
  }

  #makeRoom(now: number): boolean {
    const stale = this.#paths.find(
      (path) => path.kind === 'direct' && path.state !== 'fit' && now - path.bornAt > UNPROVEN_MS,
    )
    if (stale !== undefined) this.remove(stale)
    return stale !== undefined
  }
}
