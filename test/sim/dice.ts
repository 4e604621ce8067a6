/**
 * The source of randomness of the world: sfc32 (Doty-Humphrey, PractRand), small and fast. A fork depends on its label alone,
 * not on how much was drawn before it. A new random choice in one part of the world therefore leaves the others unchanged.
 */
export class Dice {
  readonly #seed: string
  readonly #state: Uint32Array

  constructor(seed: string) {
    this.#seed = seed
    this.#state = Uint32Array.of(hashOf(`a${seed}`), hashOf(`b${seed}`), hashOf(`c${seed}`), 1)
    for (let i = 0; i < 12; i++) this.u32()
  }

  fork(label: string): Dice {
    return new Dice(`${this.#seed}/${label}`)
  }

  u32(): number {
    const s = this.#state
    const result = (s[0]! + s[1]! + s[3]!) >>> 0
    s[3] = s[3]! + 1
    s[0] = s[1]! ^ (s[1]! >>> 9)
    s[1] = s[2]! + (s[2]! << 3)
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + result
    return result
  }

  /** Returns a number in [0, 1). */
  float(): number {
    return this.u32() / 0x1_0000_0000
  }

  /** Returns an integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.float() * bound)
  }

  /** Returns an integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(probability: number): boolean {
    return this.float() < probability
  }

  /** Draws from an exponential distribution: many small values and a long tail, cut at ten times the mean. */
  exponential(mean: number): number {
    return Math.min(-Math.log(1 - this.float()), 10) * mean
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from')
    return list[this.below(list.length)]!
  }

  /** Returns a shuffled copy (Fisher-Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      ;[result[i], result[j]] = [result[j]!, result[i]!]
    }
    return result
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 255)
  }
}

/** FNV-1a with a final mixing step. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
