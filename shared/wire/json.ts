const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

export const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))

/** Undefined if the bytes are not JSON in UTF-8. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
