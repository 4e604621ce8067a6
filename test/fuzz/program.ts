/**
 * Reads an input as a program: a sequence of steps with small numbers and byte strings. Past its end it yields zeros and
 * empty strings.
 */
export class Program {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  below(end: number): number {
    return this.byte() % end
  }

  oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** Returns as many bytes as the next byte says, or as are left. */
  piece(): Uint8Array {
    const length = this.byte()
    const piece = this.#bytes.slice(this.#at, this.#at + length)
    this.#at += length
    return piece
  }

  /** Returns a copy that is truncated or has up to four bytes changed. */
  damaged(bytes: Uint8Array): Uint8Array {
    const changes = this.below(5)
    const copy = bytes.slice(0, this.below(8) === 0 ? (this.byte() * bytes.length) >> 8 : bytes.length)
    for (let i = 0; i < changes && copy.length > 0; i++) {
      const at = (this.byte() << 8) | this.byte()
      copy[at % copy.length] = this.byte()
    }
    return copy
  }
}

/** Executes the steps named by an input, then checks the invariants. */
export function play<Scene extends { check(): void }>(
  input: Uint8Array,
  scene: Scene,
  steps: readonly ((scene: Scene, program: Program) => void)[],
  most: number,
): void {
  const program = new Program(input)
  for (let done = 0; done < most && !program.isOver; done++) program.oneOf(steps)(scene, program)
  scene.check()
}
