const GREATEST = 1e125
const SMALLEST = 1e-130

/** True if DynamoDB can store the number: zero, or a magnitude from 1e-130 to 1e125. Infinity and NaN are excluded. */
export function isTableNumber(value: number): boolean {
  const size = Math.abs(value)
  return size === 0 || (size >= SMALLEST && size <= GREATEST)
}
