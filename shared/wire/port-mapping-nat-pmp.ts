/**
 * NAT Port Mapping Protocol, RFC 6886, between a host and its router. Sections 3.2 to 3.5; UDP only.
 *
 *   address    request 00 00 · response 00 80 · result u16 · epoch u32 · external IPv4 4
 *   map        request 00 01 · 0000 · internal port u16 · external port u16 · lifetime u32
 *              response 00 81 · result u16 · epoch u32 · internal port u16 · external port u16 · lifetime u32
 *
 * Lifetimes are in seconds. `epochSeconds`: time since the router last lost its mappings. Longer messages are accepted.
 */
import { ADDRESS_WORDS, type Address } from './address.ts'
import { Reader, Writer } from './cursor.ts'

const VERSION = 0
const RESPONSE = 0x80
const OPCODE = { address: 0, map: 1 } as const
const IPV4_MAPPED = 0xffff
const LONGEST_BYTES = 16

export type NatPmpRequest =
  | { readonly kind: 'address' }
  | {
      readonly kind: 'map'
      readonly internalPort: number
      /** The requested port. */
      readonly externalPort: number
      /** 0 deletes the mapping. */
      readonly lifetimeSeconds: number
    }

interface Answered {
  /** 0 is success; other codes: RFC 6886 section 3.5. */
  readonly result: number
  readonly epochSeconds: number
}

export type NatPmpResponse =
  /** `external` has port 0. */
  | (Answered & { readonly kind: 'address'; readonly external: Address })
  | (Answered & {
      readonly kind: 'map'
      readonly internalPort: number
      readonly externalPort: number
      readonly lifetimeSeconds: number
    })

export function encodeNatPmpRequest(request: NatPmpRequest): Uint8Array {
  const writer = new Writer(new Uint8Array(LONGEST_BYTES)).u8(VERSION).u8(OPCODE[request.kind])
  if (request.kind === 'address') return writer.done()
  return writer.u16(0).u16(request.internalPort).u16(request.externalPort).u32(request.lifetimeSeconds).done()
}

/** Undefined if the bytes are no request of these kinds. */
export function decodeNatPmpRequest(bytes: Uint8Array): NatPmpRequest | undefined {
  const reader = new Reader(bytes)
  const [version, opcode] = [reader.u8(), reader.u8()]
  if (!reader.ok || version !== VERSION) return undefined
  if (opcode === OPCODE.address) return { kind: 'address' }
  if (opcode !== OPCODE.map) return undefined
  reader.u16()
  const ports = { internalPort: reader.u16(), externalPort: reader.u16() }
  const lifetimeSeconds = reader.u32()
  return reader.ok ? { kind: 'map', ...ports, lifetimeSeconds } : undefined
}

export function encodeNatPmpResponse(response: NatPmpResponse): Uint8Array {
  const writer = new Writer(new Uint8Array(LONGEST_BYTES)).u8(VERSION).u8(RESPONSE | OPCODE[response.kind])
  writer.u16(response.result).u32(response.epochSeconds)
  if (response.kind === 'address') return writer.u32(response.external.words[3]!).done()
  const { internalPort, externalPort, lifetimeSeconds } = response
  return writer.u16(internalPort).u16(externalPort).u32(lifetimeSeconds).done()
}

/** Undefined if the bytes are no response of these kinds. */
export function decodeNatPmpResponse(bytes: Uint8Array): NatPmpResponse | undefined {
  const reader = new Reader(bytes)
  const [version, opcode] = [reader.u8(), reader.u8()]
  const answered = { result: reader.u16(), epochSeconds: reader.u32() }
  if (version !== VERSION) return undefined
  if (opcode === (RESPONSE | OPCODE.address)) {
    const external = ipv4(reader.u32())
    return reader.ok ? { kind: 'address', ...answered, external } : undefined
  }
  if (opcode !== (RESPONSE | OPCODE.map)) return undefined
  const ports = { internalPort: reader.u16(), externalPort: reader.u16() }
  const lifetimeSeconds = reader.u32()
  return reader.ok ? { kind: 'map', ...answered, ...ports, lifetimeSeconds } : undefined
}

function ipv4(value: number): Address {
  const words = new Uint32Array(ADDRESS_WORDS)
  words[2] = IPV4_MAPPED
  words[3] = value
  return { words }
}
