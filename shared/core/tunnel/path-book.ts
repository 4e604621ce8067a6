import { sameAddress } from '../../wire/address.ts'
import { heardCredit, namedCredit, newPath, type Path } from './path.ts'
import { isForgotten } from './path-choice.ts'

/** Addresses of both hosts in both families, with room for those that a changing NAT adds. */
const MAX_PATHS = 32
/** An unproven path is evicted only after this time: forging many source addresses evicts nothing sooner. */
const UNPROVEN_MS = 10_000

/** The book of a tunnel's paths: which there are, by the address of the other end and the local socket. */
export class PathBook implements Iterable<Path> {
  readonly #paths: Path[] = []
  readonly #directAllowed: boolean

  constructor(directAllowed: boolean) {
    this.#directAllowed = directAllowed
  }

  get size(): number {
    return this.#paths.length
  }

  [Symbol.iterator](): IterableIterator<Path> {
    return this.#paths[Symbol.iterator]()
  }

  /** The best direct path: a fit one, otherwise an open one. Undefined if there is neither. */
  get direct(): Path | undefined {
    const open = this.#paths.filter(
      ({ kind, state }) => kind === 'direct' && (state === 'open' || state === 'fit'),
    )
    return open.find(({ state }) => state === 'fit') ?? open[0]
  }

  /** A relayed path that is fit. */
  get relayed(): Path | undefined {
    return this.#paths.find(({ kind, state }) => kind === 'relayed' && state === 'fit')
  }

  /** A fit path other than this one. */
  fitBeside(path: Path | undefined): Path | undefined {
    return this.#paths.find((other) => other !== path && other.state === 'fit')
  }

  /** Sockets, besides the tunnel's own, on which a packet of the other side arrived. */
  get usedSockets(): ReadonlySet<number> {
    const heard = this.#paths.filter(({ heardAt }) => heardAt !== Number.NEGATIVE_INFINITY)
    return new Set(heard.map(({ socket }) => socket).filter((socket) => socket > 0))
  }

  find(words: Uint32Array, at: number, socket: number): Path | undefined {
    for (const path of this.#paths) {
      if (path.socket === socket && sameAddress(path.words, 0, words, at)) return path
    }
    return undefined
  }

  /**
   * The path of that address, which is created if it does not exist. Undefined if the book is full, or if direct paths
   * are not allowed. A relay's address is never a direct path, even if a packet made it one before. `from`: why a new
   * path is created, which sets its credit.
   */
  reach(
    kind: Path['kind'],
    words: Uint32Array,
    at: number,
    socket: number,
    now: number,
    from: 'named' | 'heard' = 'named',
  ): Path | undefined {
    if (kind === 'direct' && !this.#directAllowed) return undefined
    const known = this.find(words, at, socket)
    if (known !== undefined && (known.kind === kind || kind === 'direct')) return known
    if (known !== undefined) this.#remove(known)
    if (this.#paths.length >= MAX_PATHS && !this.#makeRoom(now)) return undefined
    const credit = from === 'named' ? namedCredit() : heardCredit()
    const path = newPath(kind, words.slice(at, at + 5), socket, credit, now)
    this.#paths.push(path)
    return path
  }

  /** Removes the paths that will not carry anything any more. */
  forget(now: number): void {
    for (const path of [...this.#paths]) if (isForgotten(path, now)) this.#remove(path)
  }

  #remove(path: Path): void {
    const at = this.#paths.indexOf(path)
    if (at >= 0) this.#paths.splice(at, 1)
  }

  #makeRoom(now: number): boolean {
    const stale = this.#paths.find(
      (path) => path.kind === 'direct' && path.state !== 'fit' && now - path.bornAt > UNPROVEN_MS,
    )
    if (stale !== undefined) this.#remove(stale)
    return stale !== undefined
  }
}
