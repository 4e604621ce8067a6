/** The wall clock of the nodes, as far as it is known, and the times of our sign-ins by it. */
export class NodeClock {
  /** Difference between the node's wall clock and our time; undefined until a node has told its time. */
  #offset: number | undefined
  #lastSignInAt = 0

  /** False until a node has told its time: `at` is then only a guess. */
  get isKnown(): boolean {
    return this.#offset !== undefined
  }

  /** The node's time at a moment of ours. */
  at(now: number): number {
    return now + (this.#offset ?? 0)
  }

  /** A node told its time, or corrected what it told before. Undefined, as of a damaged frame, is ignored. */
  told(serverTime: number | undefined, now: number): void {
    if (serverTime !== undefined) this.#offset = serverTime - now
  }

  /** The time of a sign-in that begins now. It is later than that of every earlier one. */
  signInAt(now: number): number {
    this.#lastSignInAt = Math.max(this.#lastSignInAt + 1, this.at(now))
    return this.#lastSignInAt
  }

  /** A node refused the time of a sign-in, so earlier ones may be dated by a wrong clock too. */
  restart(): void {
    this.#lastSignInAt = 0
  }
}
