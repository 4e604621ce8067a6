/**
 * Port Control Protocol, RFC 6887, between a host and its router. Sections 7.1, 7.2, 11.1, 14.1; UDP only, no options.
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d.
 *
 *   request    02 · opcode u8 · 0000 · lifetime u32 · client 16 · body
 *   response   02 · 80 | opcode u8 · 00 · result u8 · lifetime u32 · epoch u32 · 0 * 12 · body
 *   ANNOUNCE   opcode 0, no body
 *   MAP        opcode 1: nonce 12 · 11 (UDP) · 000000 · internal port u16 · external port u16 · external 16
 *
 * Lifetimes are in seconds. `epochSeconds`: time since the router last lost its mappings. Bytes after a known body are
 * skipped.
 */
import { ADDRESS_WORDS, type Address } from './address.ts'
import { Reader, Writer } from './cursor.ts'

/** The router's port. Announcements are sent to ANNOUNCE_PORT of 224.0.0.1, in both protocols. */
export const PORT_MAPPING_PORT = 5351
export const ANNOUNCE_PORT = 5350
export const PCP_NONCE_BYTES = 12

const VERSION = 2
const RESPONSE = 0x80
const OPCODE = { announce: 0, map: 1 } as const
const UDP = 17
const HEADER_BYTES = 24
const MAP_BYTES = 36

export type PcpRequest =
  /** `client`: the address that the request is sent from, with port 0. */
  | { readonly kind: 'announce'; readonly client: Address }
  | {
      readonly kind: 'map'
      /** The address that the request is sent from, with the internal port. */
      readonly client: Address
      readonly nonce: Uint8Array
      /** 0 deletes the mapping. */
      readonly lifetimeSeconds: number
      /** The requested external address and port. */
      readonly external: Address
    }

interface Answered {
  /** 0 is success; other codes: RFC 6887 section 7.4. */
  readonly result: number
  /** Lifetime of the mapping; in a refusal, how long the refusal will hold. */
  readonly lifetimeSeconds: number
  readonly epochSeconds: number
}

export type PcpResponse =
  | (Answered & { readonly kind: 'announce' })
  | (Answered & {
      readonly kind: 'map'
      readonly nonce: Uint8Array
      readonly internalPort: number
      readonly external: Address
    })

export function encodePcpRequest(request: PcpRequest): Uint8Array {
  const writer = new Writer(new Uint8Array(HEADER_BYTES + MAP_BYTES))
  const lifetime = request.kind === 'map' ? request.lifetimeSeconds : 0
  writer.u8(VERSION).u8(OPCODE[request.kind]).u16(0).u32(lifetime)
  writeIp(writer, request.client)
  if (request.kind === 'map') writeMap(writer, { ...request, internalPort: request.client.words[4]! })
  return writer.done()
}

/** Undefined if the bytes are no request of these kinds. */
export function decodePcpRequest(bytes: Uint8Array): PcpRequest | undefined {
  const reader = new Reader(bytes)
  const [version, opcode] = [reader.u8(), reader.u8()]
  reader.u16()
  const lifetimeSeconds = reader.u32()
  const client = readIp(reader)
  if (!reader.ok || version !== VERSION) return undefined
  if (opcode === OPCODE.announce) return { kind: 'announce', client }
  const map = opcode === OPCODE.map ? readMap(reader) : undefined
  if (map === undefined) return undefined
  const { nonce, internalPort, external } = map
  client.words[4] = internalPort
  return { kind: 'map', client, nonce, lifetimeSeconds, external }
}

export function encodePcpResponse(response: PcpResponse): Uint8Array {
  const writer = new Writer(new Uint8Array(HEADER_BYTES + MAP_BYTES))
  writer.u8(VERSION).u8(RESPONSE | OPCODE[response.kind])
  writer.u8(0).u8(response.result).u32(response.lifetimeSeconds).u32(response.epochSeconds)
  writer.put(new Uint8Array(12))
  if (response.kind === 'map') writeMap(writer, response)
  return writer.done()
}

/** Undefined if the bytes are no response of these kinds. */
export function decodePcpResponse(bytes: Uint8Array): PcpResponse | undefined {
  const reader = new Reader(bytes)
  const [version, opcode] = [reader.u8(), reader.u8()]
  reader.u8()
  const answered = { result: reader.u8(), lifetimeSeconds: reader.u32(), epochSeconds: reader.u32() }
  reader.bytes(12)
  if (!reader.ok || version !== VERSION) return undefined
  if (opcode === (RESPONSE | OPCODE.announce)) return { kind: 'announce', ...answered }
  const map = opcode === (RESPONSE | OPCODE.map) ? readMap(reader) : undefined
  return map && { kind: 'map', ...answered, ...map }
}

interface MapBody {
  readonly nonce: Uint8Array
  readonly internalPort: number
  readonly external: Address
}

function writeMap(writer: Writer, { nonce, internalPort, external }: MapBody): void {
  if (nonce.length !== PCP_NONCE_BYTES) throw new RangeError('a nonce has 12 bytes')
  writer.put(nonce).u8(UDP).u8(0).u16(0).u16(internalPort).u16(external.words[4]!)
  writeIp(writer, external)
}

function readMap(reader: Reader): MapBody | undefined {
  const nonce = reader.bytes(PCP_NONCE_BYTES).slice()
  const protocol = reader.u8()
  reader.bytes(3)
  const [internalPort, externalPort] = [reader.u16(), reader.u16()]
  const external = readIp(reader)
  external.words[4] = externalPort
  return reader.ok && protocol === UDP ? { nonce, internalPort, external } : undefined
}

function writeIp(writer: Writer, { words }: Address): void {
  for (let i = 0; i < 4; i++) writer.u32(words[i]!)
}

function readIp(reader: Reader): Address {
  const words = new Uint32Array(ADDRESS_WORDS)
  for (let i = 0; i < 4; i++) words[i] = reader.u32()
  return { words }
}
