/** The fields of an answer that the SDK relies on, such as `{ items: [{ user: 'text' }] }`. Other fields are ignored. */
export type Shape = 'text' | 'number' | readonly [Shape] | { readonly [field: string]: Shape }

/** Returns true if a parsed answer has everything that the shape names. */
export function fits(value: unknown, shape: Shape): boolean {
  if (shape === 'text') return typeof value === 'string'
  if (shape === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return false
  if (isList(shape)) return Array.isArray(value) && value.every((each) => fits(each, shape[0]))
  return Object.entries(shape).every(([field, inner]) => fits(Reflect.get(value, field), inner))
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape)
