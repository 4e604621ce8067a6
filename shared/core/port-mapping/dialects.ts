/** A common interface to PCP and NAT-PMP: the requests and answers that both have. */
import { ADDRESS_WORDS, type Address, isIpv4 } from '../../wire/address.ts'
import { decodeNatPmpResponse, encodeNatPmpRequest } from '../../wire/port-mapping-nat-pmp.ts'
import { decodePcpResponse, encodePcpRequest } from '../../wire/port-mapping-pcp.ts'

/** In order of preference: PCP has nonces, and UPnP is a web server in a router. */
export const SERVICES = ['pcp', 'natPmp', 'upnp'] as const
export type Service = (typeof SERVICES)[number]

export interface Wish {
  /** Address of this host, with the internal port. */
  readonly client: Address
  /** 12 bytes, constant for the life of the mapping. */
  readonly nonce: Uint8Array
  readonly externalPort: number
  /** 0 deletes the mapping. */
  readonly lifetimeSeconds: number
}

export type Reply = { readonly epochSeconds: number } & (
  | { readonly kind: 'here'; readonly external?: Address }
  /** The service refuses all requests. */
  | { readonly kind: 'unwilling' }
  | {
      readonly kind: 'mapping'
      readonly port: number
      readonly nonce?: Uint8Array
      readonly refused: boolean
      /** Undefined: the external address that the service reported. */
      readonly external?: Address
      readonly externalPort: number
      readonly lifetimeSeconds: number
    }
)

export interface Dialect {
  /** A request that only tests whether the protocol is supported. */
  probe(client: Address): Uint8Array
  wish(wish: Wish): Uint8Array
  /** Undefined if the bytes are not of this protocol. */
  read(bytes: Uint8Array): Reply | undefined
}

const PCP: Dialect = {
  probe: ({ words }) => encodePcpRequest({ kind: 'announce', client: withPort(words, 0) }),

  wish: ({ client, nonce, externalPort, lifetimeSeconds }) => {
    const external = anywhere(isIpv4(client.words), lifetimeSeconds === 0 ? 0 : externalPort)
    return encodePcpRequest({ kind: 'map', client, nonce, lifetimeSeconds, external })
  },

  read: (bytes) => {
    const response = decodePcpResponse(bytes)
    if (response === undefined) return undefined
    const { epochSeconds, result, lifetimeSeconds } = response
    if (response.kind === 'announce') return { kind: result === 0 ? 'here' : 'unwilling', epochSeconds }
    const { nonce, internalPort: port, external } = response
    const given = { external, externalPort: external.words[4]!, lifetimeSeconds }
    return { kind: 'mapping', epochSeconds, port, nonce, refused: result !== 0, ...given }
  },
}

const NAT_PMP: Dialect = {
  probe: () => encodeNatPmpRequest({ kind: 'address' }),

  wish: ({ client, externalPort, lifetimeSeconds }) =>
    encodeNatPmpRequest({
      kind: 'map',
      internalPort: client.words[4]!,
      externalPort: lifetimeSeconds === 0 ? 0 : externalPort,
      lifetimeSeconds,
    }),

  read: (bytes) => {
    const response = decodeNatPmpResponse(bytes)
    if (response === undefined) return undefined
    const { epochSeconds, result } = response
    if (response.kind === 'map') {
      const { internalPort: port, externalPort, lifetimeSeconds } = response
      return { kind: 'mapping', epochSeconds, port, refused: result !== 0, externalPort, lifetimeSeconds }
    }
    return result === 0
      ? { kind: 'here', epochSeconds, external: response.external }
      : { kind: 'unwilling', epochSeconds }
  },
}

export const DIALECTS = { pcp: PCP, natPmp: NAT_PMP } as const

export function withPort(ip: Uint32Array, port: number): Address {
  const words = ip.slice(0, ADDRESS_WORDS)
  words[4] = port
  return { words }
}

/** The unspecified address of the client's IP family. */
function anywhere(ipv4: boolean, port: number): Address {
  return { words: Uint32Array.of(0, 0, ipv4 ? 0xffff : 0, 0, port) }
}
