/**
 * Events as Node's EventEmitter has them: `on`, `off`, `once`, `emit` and their other names. Listeners are called in the
 * order in which they were added. If a listener returns a promise that rejects, `rejected` gets the error.
 */
type Listener = (...told: never[]) => unknown
type Events<E> = { [Name in keyof E]: readonly unknown[] }

interface Added {
  readonly listener: Listener
  readonly isOnce: boolean
}

export interface EmitterOptions {
  /** A listener was added or removed. */
  readonly listened?: (event: PropertyKey, added: Listener | undefined) => void
  /** An async listener rejected; `given` is the first argument of the event. */
  readonly rejected: (error: unknown, given: unknown) => void
}

export class Emitter<E extends Events<E>> {
  readonly #options: EmitterOptions
  readonly #added = new Map<PropertyKey, readonly Added[]>()

  constructor(options: EmitterOptions) {
    this.#options = options
  }

  /** Calls the listener at every event of this name. */
  on<Name extends keyof E>(event: Name, listener: (...told: E[Name]) => unknown): this {
    return this.#add(event, { listener, isOnce: false })
  }

  /** Calls the listener at the next event of this name only. */
  once<Name extends keyof E>(event: Name, listener: (...told: E[Name]) => unknown): this {
    return this.#add(event, { listener, isOnce: true })
  }

  /** Removes a listener, the one that was added last if it was added more than once. */
  off<Name extends keyof E>(event: Name, listener: (...told: E[Name]) => unknown): this {
    const added = this.#of(event)
    const at = added.findLastIndex((each) => each.listener === listener)
    if (at < 0) return this
    this.#added.set(event, added.toSpliced(at, 1))
    this.#options.listened?.(event, undefined)
    return this
  }

  /** The same as `on`. */
  addListener<Name extends keyof E>(event: Name, listener: (...told: E[Name]) => unknown): this {
    return this.on(event, listener)
  }

  /** The same as `off`. */
  removeListener<Name extends keyof E>(event: Name, listener: (...told: E[Name]) => unknown): this {
    return this.off(event, listener)
  }

  /** Removes all listeners of an event, or of every event. */
  removeAllListeners(event?: keyof E): this {
    for (const name of event === undefined ? [...this.#added.keys()] : [event]) {
      this.#added.delete(name)
      this.#options.listened?.(name, undefined)
    }
    return this
  }

  listenerCount(event: keyof E): number {
    return this.#of(event).length
  }

  /** True if this listener is still there. */
  protected hasListener(event: keyof E, listener: Listener): boolean {
    return this.#of(event).some((each) => each.listener === listener)
  }

  /** Calls the listeners. Returns false if there is none. An exception of a listener goes to the caller, as in Node. */
  emit<Name extends keyof E>(event: Name, ...told: E[Name]): boolean {
    const added = this.#of(event)
    for (const { listener, isOnce } of added) {
      if (isOnce) this.off(event, listener as (...told: E[Name]) => unknown)
      this.call(listener, told)
    }
    return added.length > 0
  }

  /** Calls one listener, as `emit` does. */
  protected call(listener: Listener, told: readonly unknown[]): void {
    const done = Reflect.apply(listener, this, told)
    if (done instanceof Promise) done.catch((error) => this.#options.rejected(error, told[0]))
  }

  #add(event: PropertyKey, added: Added): this {
    this.#added.set(event, [...this.#of(event), added])
    this.#options.listened?.(event, added.listener)
    return this
  }

  #of(event: PropertyKey): readonly Added[] {
    return this.#added.get(event) ?? []
  }
}
