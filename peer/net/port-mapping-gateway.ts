/**
 * The default gateway of this machine for IPv4, as its system knows it: Linux keeps it in a file, macOS and Windows print
 * it with `netstat -rn`. No library: the one in wide use (default-gateway) starts a process through execa for the same.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { promisify } from 'node:util'

const NETSTAT_MS = 2000
const UP = 1
const GATEWAY = 2
const run = promisify(execFile)

/** Undefined where there is none, or the system does not say. */
export async function defaultGateway(): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return gatewayInProcRoute(await readFile('/proc/net/route', 'utf8'))
    const { stdout } = await run('netstat', ['-rn'], { timeout: NETSTAT_MS, windowsHide: true })
    return gatewayInNetstat(stdout)
  } catch {
    return undefined
  }
}

/** /proc/net/route: addresses as little-endian hex. Of several the one with the least metric. */
export function gatewayInProcRoute(text: string): string | undefined {
  const routes = text.split('\n').flatMap((line) => {
    const [, destination, gateway = '', flags = '', , , metric, mask] = line.split('\t')
    const needed = Number.parseInt(flags, 16) & (UP | GATEWAY)
    if (destination !== '00000000' || mask !== '00000000' || needed !== (UP | GATEWAY)) return []
    return [{ gateway: Buffer.from(gateway, 'hex').reverse().join('.'), metric: Number(metric) }]
  })
  return routes.sort((a, b) => a.metric - b.metric)[0]?.gateway
}

/** `default 192.168.1.1 UGScg en0` and `0.0.0.0 0.0.0.0 192.168.1.1 192.168.1.5 25`. The first is the one in use. */
export function gatewayInNetstat(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [destination, ...columns] = line.trim().split(/\s+/)
    if (destination !== 'default' && destination !== '0.0.0.0') continue
    const gateway = destination === 'default' ? columns[0] : columns[1]
    if (gateway !== undefined && isIPv4(gateway)) return gateway
  }
  return undefined
}
