import { fileURLToPath } from 'node:url'
import type { Namespaces } from './namespaces.ts'

const PROXY = fileURLToPath(new URL('proxy.py', import.meta.url))
export const PROXY_PORT = 3128

/** Port of INDEX and the gateway. */
const INDEX_PORT = 8787

/** Starts an HTTP proxy in a router. It runs as long as the router exists. */
export function startProxy(namespaces: Namespaces, router: string, reach: 'to-all' | 'to-index'): void {
  const only = reach === 'to-index' ? [String(INDEX_PORT)] : []
  namespaces.spawn(router, ['python3', PROXY, String(PROXY_PORT), ...only], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
