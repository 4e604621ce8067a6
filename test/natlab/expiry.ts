import { fileURLToPath } from 'node:url'
import type { Namespaces } from './namespaces.ts'

const EXPIRY = fileURLToPath(new URL('expiry.py', import.meta.url))

/** The router's mappings end `seconds` after they were made, from now on. Its kind says how (nat-kinds.ts). */
export function startExpiry(namespaces: Namespaces, router: string, seconds: number): void {
  namespaces.spawn(router, ['python3', EXPIRY, String(seconds)], { stdio: ['ignore', 'ignore', 'inherit'] })
}
