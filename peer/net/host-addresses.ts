import { type Address, addressOf, isIpv4, PORT_WORD } from '../../shared/wire/address.ts'
import { udx } from './udx.ts'

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i

interface Ports {
  readonly four: number | undefined
  readonly six: number | undefined
}

/** The addresses of this machine that others may reach: not loopback, not link-local. Without a port. */
export function hostIps(): readonly Address[] {
  const hosts = udx.networkInterfaces().filter(({ internal, host }) => !internal && !LINK_LOCAL.test(host))
  return hosts.flatMap(({ host }) => addressOf(host, 0) ?? [])
}

/** With the port of their family, where it has one. */
export function hostAddresses({ four, six }: Ports, ips = hostIps()): Address[] {
  return ips.flatMap(({ words }) => {
    const port = isIpv4(words) ? four : six
    return port === undefined ? [] : [{ words: withPort(words, port) }]
  })
}

function withPort(ip: Uint32Array, port: number): Uint32Array {
  const words = ip.slice()
  words[PORT_WORD] = port
  return words
}
