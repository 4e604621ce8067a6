/** Passes a decoded value to `take`; false if there is none. */
export function given<T>(value: T | undefined, take: (value: T) => void): boolean {
  if (value === undefined) return false
  take(value)
  return true
}
