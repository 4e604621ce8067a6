/**
 * Datagrams of peers whose network drops UDP. They travel through the WebSocket API as JSON text, one datagram per message.
 * A datagram keeps its bytes: at most LIMITS.datagramBytes, encoded as base64. `port` distinguishes the sockets of one peer.
 *
 *   peer to gateway    {kind: datagram, node, service, port, bytes}
 *   gateway to node    {kind: datagram, from, peer, service, port, bytes}    `from`: the peer's connection
 *   node to gateway    {kind: datagram, to, service, port, bytes}            `to`: likewise
 *   gateway to peer    {kind: datagram, node, service, port, bytes}
 *   gateway to sender  {kind: gone, node} or {kind: gone, connection}        nobody is there any more
 */
import type { NodeId, PeerId } from './ids.ts'
import { LIMITS } from './limits.ts'

/** The services whose datagrams the gateway carries. A relay has its own TLS port for peers without UDP. */
export type CarriedService = 'checkpoint' | 'handshake'

interface Carried {
  readonly kind: 'datagram'
  readonly service: CarriedService
  readonly port: number
  /** Base64. */
  readonly bytes: string
}

/** A datagram between a peer and the gateway, in either direction. `node`: the node it goes to or comes from. */
export type PeerDatagram = Carried & { readonly node: NodeId }
/** A datagram from a node to the gateway. `to`: the connection of the peer. */
export type NodeDatagram = Carried & { readonly to: string }
/** A datagram from the gateway to a node. `from`: the connection of the peer. */
export type PushedDatagram = Carried & { readonly from: string; readonly peer: PeerId }

export type PeerGone = { readonly kind: 'gone'; readonly connection: string }
export type NodeGone = { readonly kind: 'gone'; readonly node: NodeId }

/**
 * The WebSocket subprotocol of a browser, which cannot send an `Authorization` header: it offers this name and its proof,
 * and the gateway selects the name.
 */
export const GATEWAY_PROTOCOL = 'straightway'

const SERVICES: readonly unknown[] = ['checkpoint', 'handshake'] satisfies CarriedService[]
const MOST_TEXT = 4 * Math.ceil(LIMITS.datagramBytes / 3)
const BASE64 = /^(?:[\dA-Za-z+/]{4})*(?:[\dA-Za-z+/]{2}==|[\dA-Za-z+/]{3}=)?$/
const NODE = /^node_[a-z2-7]{8}$/
/** A connection id in the form that API Gateway uses, with room for longer ids. */
const CONNECTION = /^[\w+/=-]{1,64}$/

type Unknown<T> = { readonly [Key in keyof T]?: unknown }

/** Parses a datagram between a peer and the gateway; undefined if the text is anything else. */
export function peerDatagramOf(text: string): PeerDatagram | undefined {
  const said = carriedIn<PeerDatagram>(text)
  return said !== undefined && matches(said.node, NODE) ? said : undefined
}

/** Parses a datagram from a node; undefined if the text is anything else. */
export function nodeDatagramOf(text: string): NodeDatagram | undefined {
  const said = carriedIn<NodeDatagram>(text)
  return said !== undefined && matches(said.to, CONNECTION) ? said : undefined
}

/** Parses what the gateway sends to a node about carried peers; undefined if the text is anything else. */
export function carriedPushOf(text: string): PushedDatagram | PeerGone | undefined {
  const said = carriedIn<PushedDatagram>(text)
  if (said !== undefined) return matches(said.from, CONNECTION) ? said : undefined
  const gone = objectIn<PeerGone>(text)
  return gone?.kind === 'gone' && matches(gone.connection, CONNECTION) ? (gone as PeerGone) : undefined
}

/** Parses what the gateway sends to a peer; undefined if the text is anything else. */
export function carriedAnswerOf(text: string): PeerDatagram | NodeGone | undefined {
  const gone = objectIn<NodeGone>(text)
  return gone?.kind === 'gone' && matches(gone.node, NODE) ? (gone as NodeGone) : peerDatagramOf(text)
}

function carriedIn<T extends Carried>(text: string): T | undefined {
  const said = objectIn<T>(text)
  if (said?.kind !== 'datagram' || !SERVICES.includes(said.service)) return undefined
  const isWhole = isPort(said.port) && matches(said.bytes, BASE64) && said.bytes.length <= MOST_TEXT
  return isWhole ? (said as T) : undefined
}

function objectIn<T>(text: string): Unknown<T> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const matches = (value: unknown, pattern: RegExp): value is string =>
  typeof value === 'string' && pattern.test(value)

const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff
