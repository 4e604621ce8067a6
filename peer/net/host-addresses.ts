import { type Address, addressOf, isIpv4 } from '../../shared/wire/address.ts'
import { udx } from './udx.ts'

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i

/** The addresses of this machine that others may reach: not loopback, not link-local, with the port of the family. */
export function hostAddresses(ports: {
  readonly four: number | undefined
  readonly six: number | undefined
}): Address[] {
  const hosts = udx.networkInterfaces().filter(({ internal, host }) => !internal && !LINK_LOCAL.test(host))
  return hosts.flatMap(({ host }) => {
    const address = addressOf(host, 0)
    const port = address && (isIpv4(address.words) ? ports.four : ports.six)
    if (address === undefined || port === undefined) return []
    address.words[4] = port
    return [address]
  })
}
