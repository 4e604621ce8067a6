/** Waits for a promise; undefined if it takes longer than `ms`. */
export async function within<T>(ms: number, promised: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, ms, undefined)
  const value = await Promise.race([promised, late])
  clearTimeout(timer)
  return value
}
