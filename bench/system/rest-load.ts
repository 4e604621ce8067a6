/**
 * Asks INDEX: rest-load.ts INDEX ADMIN_KEY. It makes what the routes need, prints {"routes"}, and for each line {"route",
 * "count"} asks that route so often, one request after another on one connection. It prints {"good", "ms"}.
 */
import { createInterface } from 'node:readline'

const [index, key] = process.argv.slice(2) as [string, string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

async function call(method: string, path: string, body?: object): Promise<Response> {
  return await fetch(`${index}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
}

const user = (await (await call('POST', '/v1/users', { name: 'bench' })).json()) as { user: string }
const network = (await (await call('POST', '/v1/networks', { name: 'bench' })).json()) as { network: string }
const routes: Record<string, () => Promise<Response>> = {
  'GET /v1/users/{user}': () => call('GET', `/v1/users/${user.user}`),
  'GET /v1/users': () => call('GET', '/v1/users?limit=20'),
  'GET /v1/networks': () => call('GET', '/v1/networks?limit=20'),
  'GET /v1/networks/{network}': () => call('GET', `/v1/networks/${network.network}`),
  'GET /v1/peers': () => call('GET', '/v1/peers?limit=20'),
  'PATCH /v1/users/{user}': () => call('PATCH', `/v1/users/${user.user}`, { name: 'bench' }),
  'GET /v1/health': () => call('GET', '/v1/health'),
}
say({ routes: Object.keys(routes) })
for await (const line of createInterface({ input: process.stdin })) {
  const { route, count } = JSON.parse(line) as { route: string; count: number }
  const began = performance.now()
  let good = 0
  let status = 0
  for (let i = 0; i < count; i++) {
    const response = await routes[route]!()
    status = response.status
    await response.arrayBuffer()
    if (response.ok) good++
  }
  say({ good, status, ms: (performance.now() - began) / count })
}
