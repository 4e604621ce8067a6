import { sameAddress } from '../../wire/address.ts'
import { heardCredit, namedCredit, newPath, type Path } from './path.ts'

/** Addresses of both hosts in both families, with room for those that a changing NAT adds. */
const MAX_PATHS = 32
/** An unproven path is evicted only after this time: forging many source addresses evicts nothing sooner. */
const UNPROVEN_MS = 10_000

/** The paths of a tunnel, by the address of the other end and the local socket. */
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
   * The path of that address, which is created if it does not exist. Undefined if the table is full. A relay's address
   * is never a direct path, even if a packet made it one before. `from`: why a new path is created, which sets its
   * credit.
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
