import { fileURLToPath } from 'node:url'
import type { Namespaces } from './namespaces.ts'

const EXPIRY = fileURLToPath(new URL('expiry.py', import.meta.url))

/**
 * Makes the router's mappings expire `seconds` after they were made, from now on. The router's kind decides how
 * (nat-kinds.ts).
 */
export function startExpiry(namespaces: Namespaces, router: string, seconds: number): void {
  namespaces.spawn(router, ['python3', EXPIRY, String(seconds)], { stdio: ['ignore', 'ignore', 'inherit'] })
}
