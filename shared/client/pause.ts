/** Timers that do not keep a process of Node alive. */

/** Runs `action` after `ms`, unless the process ends before. */
export function later(action: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(action, ms)
  ;(timer as { unref?(): void }).unref?.()
  return timer
}

/** Resolves after `ms`, or as soon as the signal aborts. `holds`: the process stays alive meanwhile. */
export function pause(ms: number, signal?: AbortSignal, { holds = false } = {}): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = holds ? setTimeout(done, ms) : later(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/** Throws an error where nothing catches it, as an emitter does whose listener throws. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
