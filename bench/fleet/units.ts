/** Units that AWS charges for items: approximate, because sizes are those of their JSON. */
import type { Item } from './expressions.ts'

const WRITE_BYTES = 1024
const READ_BYTES = 4096

/** Approximate size of an item as AWS counts it: names and values as text. */
export const bytesOf = (item: Item | undefined): number => {
  let binary = 0
  const text = JSON.stringify(item, (name, value) => {
    const bytes = item?.[name]
    if (!(bytes instanceof Uint8Array)) return value
    binary += bytes.length
    return undefined
  })
  return (text?.length ?? 0) + binary
}

export const writeUnits = (item: Item | undefined): number =>
  Math.max(1, Math.ceil(bytesOf(item) / WRITE_BYTES))
export const readUnits = (bytes: number, consistent = false): number =>
  Math.max(1, Math.ceil(bytes / READ_BYTES)) * (consistent ? 1 : 0.5)
