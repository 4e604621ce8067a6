import { type Address, isIpv4, PORT_WORD } from '../../wire/address.ts'
import type { Candidate } from '../../wire/profile.ts'
import type { SocketPorts } from './events.ts'

/** Candidates of a socket: the port that a router mapped, then each address of the host. */
export function candidatesOf(
  ips: readonly Address[],
  ports: SocketPorts,
  mapped: Address | undefined,
): Candidate[] {
  const hosts = ownAddresses(ips, ports).map((address) => ({ kind: 'host', address }) as const)
  return mapped === undefined ? hosts : [{ kind: 'mapped', address: mapped }, ...hosts]
}

/** Addresses of the host with the socket's port of their family, for each family that the socket has. */
export function ownAddresses(ips: readonly Address[], { four, six }: SocketPorts): Address[] {
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
