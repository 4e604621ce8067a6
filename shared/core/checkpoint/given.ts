/** Hands a decoded value on; false where there is none. */
export function given<T>(value: T | undefined, take: (value: T) => void): boolean {
  if (value === undefined) return false
  take(value)
  return true
}
