/** Addresses and interfaces of this host at which the kernel can forward for a relay. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { type Family, IPV4, IPV6, type RelayPlace } from './rules.ts'

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

export interface Facts {
  readonly interfaces: Interfaces
  /** The interface of the default route of each family. */
  readonly defaults: { readonly ip: string | undefined; readonly ip6: string | undefined }
}

export const factsHere = (): Facts => ({
  interfaces: networkInterfaces(),
  defaults: { ip: defaultRoute4(textOf('route')), ip6: defaultRoute6(textOf('ipv6_route')) },
})

/**
 * The places at which the kernel can forward, at most one per address family. `host`: the address the relay is bound to.
 *
 * For a wildcard it is the address of the default route's interface. Packets to other addresses are left to the process. So
 * are packets of peers on this host itself, which do not arrive from a network.
 */
export function placesOf(host: string, port: number, { interfaces, defaults }: Facts): RelayPlace[] {
  const families = host === '::' ? [IPV4, IPV6] : [isIP(host) === 4 ? IPV4 : IPV6]
  return families.flatMap((family) => {
    const isAny = host === '::' || host === '0.0.0.0'
    const found = isAny ? ofDefault(family, interfaces, defaults) : ofAddress(host, interfaces)
    return found === undefined ? [] : [{ family, port, ...found }]
  })
}

/** All IP addresses of this host, as texts. */
export function localIps(interfaces: Interfaces): Set<string> {
  return new Set(
    Object.values(interfaces).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []),
  )
}

type Found = Pick<RelayPlace, 'ip' | 'interfaces'>

function ofAddress(host: string, interfaces: Interfaces): Found | undefined {
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    const own = addresses.find(({ address }) => address === host)
    if (own !== undefined) return own.internal ? undefined : { ip: host, interfaces: [name] }
  }
  return undefined
}

function ofDefault({ name }: Family, interfaces: Interfaces, defaults: Facts['defaults']): Found | undefined {
  const by = defaults[name]
  const version = name === 'ip' ? 'IPv4' : 'IPv6'
  const own = interfaces[by ?? '']?.filter(
    ({ family, address }) => family === version && !isLinkLocal(address),
  )
  return own?.length === 1 ? { ip: own[0]!.address, interfaces: [by!] } : undefined
}

const isLinkLocal = (ip: string): boolean => /^fe[89ab]/i.test(ip) || ip.startsWith('169.254.')

/** Interface of the IPv4 default route. Columns of `route`: interface, destination, gateway, flags, .. mask as the eighth. */
function defaultRoute4(table: string): string | undefined {
  const rows = table.split('\n').map((line) => line.split(/\s+/))
  return rows.find(
    ([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000',
  )?.[0]
}

/** Interface of the IPv6 default route. Columns: destination, its length, .. interface last. Unreachable defaults are on `lo`. */
function defaultRoute6(table: string): string | undefined {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/))
  return rows
    .find(([to, length, ...rest]) => /^0{32}$/.test(to ?? '') && length === '00' && rest.at(-1) !== 'lo')
    ?.at(-1)
}

function textOf(file: 'route' | 'ipv6_route'): string {
  try {
    // Not /proc/net, which the sandbox of a systemd service may hide.
    return readFileSync(`/proc/self/net/${file}`, 'utf8')
  } catch {
    return ''
  }
}
