/** The requests by which a peer enrols, gets its ticket and learns the nodes. */
import type { TlsEndpoint } from '../directory.ts'
import { fromBase32, type NetworkId, type NodeId, type UserId } from '../ids.ts'
import { type Address, parseAddress } from '../wire/address.ts'
import type { Requests } from './requests.ts'

export interface Ticket {
  readonly ticket: string
  /** Time at which INDEX no longer accepts the ticket. */
  readonly expiresAt: number
  /** Time at which nodes no longer accept the ticket. An INDEX of an earlier version leaves it out: then `expiresAt`. */
  readonly signInUntil?: number
  readonly user: UserId
  readonly networks: readonly NetworkId[]
}

export interface Enrolment {
  readonly proof: string
  readonly invite?: string | undefined
  readonly idToken?: string | undefined
  /** Nonce with which the ID token was requested. Not needed if the nonce is the id of the peer. */
  readonly nonce?: string | undefined
  /** Name of the peer. */
  readonly name?: string | undefined
  readonly user?: { readonly name: string } | undefined
}

export interface BootstrapNode {
  readonly node: NodeId
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
  readonly checkpoint: readonly Address[]
  readonly handshake: readonly Address[]
  /** The primary address, then the alternate port on the same IP address. */
  readonly stun: readonly Address[]
  readonly relay: readonly Address[]
  /** How peers without UDP reach the relay: over TLS at the IP address of `relay`. */
  readonly relayTls?: TlsEndpoint
  readonly region?: string
}

const TICKET = { ticket: 'text', expiresAt: 'number', user: 'text', networks: ['text'] } as const

/** Enrols a peer. Rejects with an error about the invite or ID token, or with `forbidden` if the peer was revoked. */
export const enrol = (requests: Requests, enrolment: Enrolment): Promise<Ticket> =>
  requests.send('POST', '/v1/enrolments', { body: enrolment, expects: TICKET, authorized: false })

/** Gets a new ticket. Rejects with `unknown-peer` if the peer is not enrolled, and `forbidden` if it was revoked. */
export const fetchTicket = (requests: Requests, proof: string): Promise<Ticket> =>
  requests.send('POST', '/v1/tickets', { body: { proof }, expects: TICKET, authorized: false })

/** The nodes and the gateway that a peer starts with. */
export interface Bootstrap {
  readonly nodes: readonly BootstrapNode[]
  /** WebSocket URL of the gateway; undefined if there is none. */
  readonly websocket: string | undefined
}

export async function fetchBootstrap(requests: Requests): Promise<Bootstrap> {
  const { nodes, websocket } = await requests.send<{
    readonly nodes: readonly Listed[]
    readonly websocket?: unknown
  }>('GET', '/v1/bootstrap', { expects: { nodes: [{}] }, authorized: false })
  return {
    nodes: nodes.map(nodeOf).filter((node) => node !== undefined),
    websocket: typeof websocket === 'string' && /^wss?:/.test(websocket) ? websocket : undefined,
  }
}

type Listed = { readonly [name in keyof BootstrapNode]?: unknown }

function nodeOf(listed: Listed): BootstrapNode | undefined {
  const publicKey = typeof listed.publicKey === 'string' ? fromBase32(listed.publicKey) : undefined
  if (publicKey?.length !== 32 || typeof listed.node !== 'string') return undefined
  return {
    node: listed.node as NodeId,
    publicKey,
    checkpoint: addressesOf(listed.checkpoint),
    handshake: addressesOf(listed.handshake),
    stun: addressesOf(listed.stun),
    relay: addressesOf(listed.relay),
    ...tlsOf(listed.relayTls),
    ...(typeof listed.region === 'string' && { region: listed.region }),
  }
}

function tlsOf(listed: unknown): Pick<BootstrapNode, 'relayTls'> {
  const { port, pin } = Object(listed) as { [name in keyof TlsEndpoint]?: unknown }
  return isPort(port) && typeof pin === 'string' ? { relayTls: { port, pin } } : {}
}

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= 0xffff

function addressesOf(listed: unknown): Address[] {
  if (!Array.isArray(listed)) return []
  return listed.map((text) => parseAddress(`${text}`)).filter((address) => address !== undefined)
}
