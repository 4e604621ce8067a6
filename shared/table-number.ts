const GREATEST = 1e125
const SMALLEST = 1e-130

/** Whether DynamoDB keeps the number: it has none beyond these, no infinity and no NaN. */
export function isTableNumber(value: number): boolean {
  const size = Math.abs(value)
  return size === 0 || (size >= SMALLEST && size <= GREATEST)
}
