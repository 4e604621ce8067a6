/** A FIFO queue. `take` does not move the remaining items. */
export class Queue<T> {
  #items: T[] = []
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  put(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#first]
  }

  take(): T | undefined {
    if (this.#first === this.#items.length) return undefined
    const item = this.#items[this.#first++]
    if (this.#first === this.#items.length || this.#first > 4096) this.#compact()
    return item
  }

  clear(): void {
    this.#items = []
    this.#first = 0
  }

  #compact(): void {
    if (this.#first * 2 < this.#items.length) return
    this.#items = this.#items.slice(this.#first)
    this.#first = 0
  }
}
