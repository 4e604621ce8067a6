/**
 * The addresses of this machine that other hosts may reach, without a port: neither loopback nor link-local. Only a
 * limited number is sent to others, so the most useful ones come first:
 *
 * 1. addresses of interfaces with a default route
 * 2. other addresses
 * 3. those of bridges to guests of this machine and of tunnels; there may be dozens
 */
import { readFileSync } from 'node:fs'
import { type Address, addressOf } from '../../shared/wire/address.ts'
import { udx } from './udx.ts'

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i
/** Names of bridges to containers and virtual machines, of VPN tunnels, and of Apple's links between devices. */
const INWARD =
  /^(br-|bridge|docker|podman|cni|cali|flannel|veth|virbr|vmnet|vboxnet|vethernet|lxc|lxd|tun|tap|utun|wg|ppp|ipsec|zt|tailscale|awdl|llw|anpi)/i

export interface HostInterface {
  readonly name: string
  readonly host: string
  readonly internal: boolean
}

export function hostIps(): readonly Address[] {
  const ranked = byWorth(udx.networkInterfaces(), defaultInterfaces())
  return ranked.flatMap(({ host }) => addressOf(host, 0) ?? [])
}

/** Sorts the usable interfaces, the most useful ones first. `defaults`: names of interfaces with a default route. */
export function byWorth(
  interfaces: readonly HostInterface[],
  defaults: ReadonlySet<string>,
): readonly HostInterface[] {
  const usable = interfaces.filter(({ internal, host }) => !internal && !LINK_LOCAL.test(host))
  const worth = ({ name }: HostInterface) => (defaults.has(name) ? 0 : INWARD.test(name) ? 2 : 1)
  return usable.toSorted((one, other) => worth(one) - worth(other))
}

/** Names of interfaces with a default route. Only Linux tells; empty on other systems. */
function defaultInterfaces(): ReadonlySet<string> {
  const four = linesOf('/proc/net/route').filter(([, to, , , , , , mask]) => /^0+$/.test(`${to}${mask}`))
  const six = linesOf('/proc/net/ipv6_route').filter(([to, bits]) => /^0+$/.test(`${to}${bits}`))
  return new Set(
    [...four.map(([name]) => name!), ...six.map((line) => line.at(-1)!)].filter((name) => name !== 'lo'),
  )
}

function linesOf(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.trim().split(/\s+/))
  } catch {
    return []
  }
}
