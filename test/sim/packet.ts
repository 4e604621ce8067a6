/** UDP over IP as the simulated network carries it. IPs are in the text form of `shared/wire/address.ts`. */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

export interface Packet {
  readonly from: Endpoint
  readonly to: Endpoint
  /** Routers it may still pass; the one at which it would become 0 drops it. */
  readonly ttl: number
  readonly bytes: Uint8Array
}

export const DEFAULT_TTL = 64

export const isIpv6 = (ip: string): boolean => ip.includes(':')

export const textOf = ({ ip, port }: Endpoint): string => (isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`)

/** Bytes on the link: payload, UDP header, IP header without options. */
export const wireBytes = (packet: Packet): number =>
  packet.bytes.length + 8 + (isIpv6(packet.to.ip) ? 40 : 20)
