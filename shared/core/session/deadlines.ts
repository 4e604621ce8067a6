/**
 * Deadlines of very many items, one per item. Items are small integers (slots of a table). A binary heap in typed arrays
 * records the place of each item, so no item needs a timer, closure or object. A million deadlines take 16 MB, and reading the
 * next one takes constant time.
 */
const NOWHERE = -1

export class Deadlines {
  #heap = new Uint32Array(64)
  #size = 0
  #at = new Float64Array(64)
  /** Place of each item in the heap. */
  #place = new Int32Array(64).fill(NOWHERE)

  /** Sets the deadline of an item, or moves it; Infinity clears it. */
  set(item: number, at: number): void {
    if (at === Number.POSITIVE_INFINITY) {
      this.clear(item)
      return
    }
    this.#reserve(item)
    if (this.#place[item] === NOWHERE) this.#put(this.#size++, item)
    this.#at[item] = at
    this.#rise(this.#place[item]!)
    this.#sink(this.#place[item]!)
  }

  clear(item: number): void {
    const place = this.#place[item] ?? NOWHERE
    if (place === NOWHERE) return
    this.#place[item] = NOWHERE
    const last = this.#heap[--this.#size]!
    if (last === item) return
    this.#put(place, last)
    this.#rise(place)
    this.#sink(this.#place[last]!)
  }

  /** Clears the deadline of the item that has been due longest and returns the item; -1 if none is due. */
  take(now: number): number {
    if (this.next() > now) return NOWHERE
    const item = this.#heap[0]!
    this.clear(item)
    return item
  }

  /** The earliest deadline; Infinity if there is none. */
  next(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#at[this.#heap[0]!]!
  }

  #rise(place: number): void {
    const item = this.#heap[place]!
    while (place > 0) {
      const above = (place - 1) >>> 1
      if (this.#at[this.#heap[above]!]! <= this.#at[item]!) break
      this.#put(place, this.#heap[above]!)
      place = above
    }
    this.#put(place, item)
  }

  #sink(place: number): void {
    const item = this.#heap[place]!
    for (let below = this.#earlierBelow(place); below < this.#size; below = this.#earlierBelow(place)) {
      if (this.#at[this.#heap[below]!]! >= this.#at[item]!) break
      this.#put(place, this.#heap[below]!)
      place = below
    }
    this.#put(place, item)
  }

  /** The child of a place whose item is due first. */
  #earlierBelow(place: number): number {
    const left = 2 * place + 1
    const right = left + 1
    return right < this.#size && this.#at[this.#heap[right]!]! < this.#at[this.#heap[left]!]! ? right : left
  }

  #put(place: number, item: number): void {
    this.#heap[place] = item
    this.#place[item] = place
  }

  #reserve(item: number): void {
    const from = this.#place.length
    if (item < from) return
    let to = from
    while (to <= item) to *= 2
    this.#heap = grown(this.#heap, new Uint32Array(to))
    this.#at = grown(this.#at, new Float64Array(to))
    this.#place = grown(this.#place, new Int32Array(to)).fill(NOWHERE, from)
  }
}

function grown<T extends Uint32Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
