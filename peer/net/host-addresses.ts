import { type Address, addressOf } from '../../shared/wire/address.ts'
import { udx } from './udx.ts'

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i

/** The addresses of this machine that others may reach: not loopback, not link-local. Without a port. */
export function hostIps(): readonly Address[] {
  const hosts = udx.networkInterfaces().filter(({ internal, host }) => !internal && !LINK_LOCAL.test(host))
  return hosts.flatMap(({ host }) => addressOf(host, 0) ?? [])
}
