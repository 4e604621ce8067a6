/**
 * A coverage-guided fuzzer. An input that reaches a new place, or reaches one more often than all inputs before it, is kept
 * and mutated further. An input that makes the target throw is a finding, and is minimised.
 *
 * The same seed and corpus give the same inputs in the same order.
 */
import { Random } from '../../shared/crypto/random.ts'
import { mutated, smaller } from './mutate.ts'

/** Maximum number of attempts to minimise one finding. */
const MOST_SHRINKING = 2000

export interface Target {
  /** Well-formed inputs to start from. */
  readonly seeds: readonly Uint8Array[]
  /** Throws if something is wrong. Must not depend on earlier calls. */
  run(input: Uint8Array): void
}

export interface Finding {
  readonly target: string
  readonly message: string
  /** The smallest input found for it, in hex. */
  readonly input: string
}

export interface FuzzResult {
  readonly target: string
  readonly executions: number
  /** Number of places of `shared/` that were reached. */
  readonly edges: number
  readonly corpus: number
  readonly findings: readonly Finding[]
}

export class Fuzzer {
  readonly #name: string
  readonly #target: Target
  readonly #counters: Uint16Array
  readonly #random: Random
  /** For each place, one bit for each order of magnitude of the count in one run. */
  readonly #reached: Uint16Array
  readonly #corpus: Uint8Array[] = []
  readonly #findings = new Map<string, Finding>()
  #executions = 0
  #edges = 0

  constructor(name: string, target: Target, counters: Uint16Array, seed: number) {
    this.#name = name
    this.#target = target
    this.#counters = counters
    this.#random = new Random(seedBytes(name, seed))
    this.#reached = new Uint16Array(counters.length)
  }

  /** Returns few and short inputs that together reach every place reached: the ones worth keeping. */
  smallest(): readonly Uint8Array[] {
    const reached = new Uint8Array(this.#counters.length)
    return [...this.#corpus].sort(shorter).filter((input) => {
      this.#fails(input)
      let isNew = false
      for (let i = 0; i < reached.length; i++) {
        if (this.#counters[i] === 0 || reached[i] === 1) continue
        reached[i] = 1
        isNew = true
      }
      return isNew
    })
  }

  get result(): FuzzResult {
    const { length: corpus } = this.#corpus
    const findings = [...this.#findings.values()]
    return { target: this.#name, executions: this.#executions, edges: this.#edges, corpus, findings }
  }

  /** Tries inputs unchanged. */
  learn(inputs: readonly Uint8Array[]): void {
    for (const input of inputs) this.#try(input)
  }

  /** Tries mutated inputs for as long as `goesOn` returns true. */
  search(goesOn: () => boolean): void {
    if (this.#corpus.length === 0) this.#corpus.push(new Uint8Array(1))
    while (goesOn()) this.#try(mutated(this.#any(), this.#any(), this.#random))
  }

  /** Picks an input from the corpus; newer ones are more likely. */
  #any(): Uint8Array {
    const { length } = this.#corpus
    const back = Math.min(this.#random.below(length), this.#random.below(length))
    return this.#corpus[length - 1 - back]!
  }

  #try(input: Uint8Array): void {
    const message = this.#fails(input)
    if (this.#isNew()) this.#corpus.push(input.slice())
    if (message === undefined || this.#findings.has(message)) return
    const smallest = Buffer.from(this.#shrunk(input, message)).toString('hex')
    this.#findings.set(message, { target: this.#name, message, input: smallest })
  }

  #fails(input: Uint8Array): string | undefined {
    this.#counters.fill(0)
    this.#executions++
    try {
      this.#target.run(input.slice())
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  #isNew(): boolean {
    let isNew = false
    for (let i = 0; i < this.#counters.length; i++) {
      const count = this.#counters[i]!
      if (count === 0) continue
      const bit = 1 << Math.min(15, 32 - Math.clz32(count))
      const before = this.#reached[i]!
      if ((before & bit) !== 0) continue
      if (before === 0) this.#edges++
      this.#reached[i] = before | bit
      isNew = true
    }
    return isNew
  }

  #shrunk(input: Uint8Array, message: string): Uint8Array {
    let smallest: Uint8Array = input.slice()
    let left = MOST_SHRINKING
    for (let found = true; found && left > 0; ) {
      found = false
      for (const candidate of smaller(smallest)) {
        if (left-- <= 0) break
        if (this.#fails(candidate) !== message) continue
        smallest = candidate
        found = true
        break
      }
    }
    return smallest
  }
}

const shorter = (a: Uint8Array, b: Uint8Array): number => a.length - b.length || Buffer.compare(a, b)

/** Identifies a finding: two failures are the same if they have the same message at the same place. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [place = ''] = (error.stack ?? '').split('\n').filter((line) => line.trim().startsWith('at '))
  return `${error.message} ${place.trim().replace(/ \(.*/, '')}`.trim()
}

function seedBytes(name: string, seed: number): Uint8Array {
  const bytes = new Uint8Array(32)
  bytes.set(Buffer.from(name).subarray(0, 24))
  new DataView(bytes.buffer).setFloat64(24, seed)
  return bytes
}
