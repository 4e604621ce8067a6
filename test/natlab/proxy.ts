import { fileURLToPath } from 'node:url'
import type { Namespaces } from './namespaces.ts'

const PROXY = fileURLToPath(new URL('proxy.py', import.meta.url))
export const PROXY_PORT = 3128

/** Starts an HTTP proxy in a router. It runs as long as the router exists. */
export function startProxy(namespaces: Namespaces, router: string): void {
  namespaces.spawn(router, ['python3', PROXY, String(PROXY_PORT)], { stdio: ['ignore', 'ignore', 'inherit'] })
}
