/**
 * The IPv4 default gateway of this machine. Linux has it in a file; macOS and Windows print it with `netstat -rn`. No
 * library is used: the common one (default-gateway) starts the same process through execa.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { promisify } from 'node:util'

const NETSTAT_MS = 2000
const UP = 1
const GATEWAY = 2
const run = promisify(execFile)

/** Address of the default gateway; undefined if there is none, or the system does not tell. */
export async function defaultGateway(): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return gatewayInProcRoute(await readFile('/proc/net/route', 'utf8'))
    const { stdout } = await run('netstat', ['-rn'], { timeout: NETSTAT_MS, windowsHide: true })
    return gatewayInNetstat(stdout)
  } catch {
    return undefined
  }
}

/** Reads /proc/net/route, whose addresses are little-endian hex. Of several gateways, the one with the lowest metric counts. */
export function gatewayInProcRoute(text: string): string | undefined {
  const routes = text.split('\n').flatMap((line) => {
    const [, destination, gateway = '', flags = '', , , metric, mask] = line.split('\t')
    const needed = Number.parseInt(flags, 16) & (UP | GATEWAY)
    if (destination !== '00000000' || mask !== '00000000' || needed !== (UP | GATEWAY)) return []
    return [{ gateway: Buffer.from(gateway, 'hex').reverse().join('.'), metric: Number(metric) }]
  })
  return routes.sort((a, b) => a.metric - b.metric)[0]?.gateway
}

/**
 * Reads the output of netstat: `default 192.168.1.1 UGScg en0` or `0.0.0.0 0.0.0.0 192.168.1.1 192.168.1.5 25`. The
 * first default route is the one in use.
 */
export function gatewayInNetstat(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [destination, ...columns] = line.trim().split(/\s+/)
    if (destination !== 'default' && destination !== '0.0.0.0') continue
    const gateway = destination === 'default' ? columns[0] : columns[1]
    if (gateway !== undefined && isIPv4(gateway)) return gateway
  }
  return undefined
}
