/** A UDP endpoint in the simulated network. The IP is in the text form of `shared/wire/address.ts`. */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

export interface Packet {
  readonly from: Endpoint
  readonly to: Endpoint
  /** Hops left. The router at which it would become 0 drops the packet. */
  readonly ttl: number
  readonly bytes: Uint8Array
}

export const DEFAULT_TTL = 64

export const isIpv6 = (ip: string): boolean => ip.includes(':')

export const textOf = ({ ip, port }: Endpoint): string => (isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`)

/** Returns the bytes on the link: payload, UDP header, and IP header without options. */
export const wireBytes = (packet: Packet): number =>
  packet.bytes.length + 8 + (isIpv6(packet.to.ip) ? 40 : 20)
