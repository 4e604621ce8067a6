/**
 * Signing in to a CHECKPOINT (README.md, section 2).
 *
 *   SIGN_IN   51 01 · index u32 (the peer's) · cookie 16 (zeros, or the one it was given) · Noise message 1
 *   WELCOME   51 02 · index u32 (the peer's) · index u32 (the node's) · Noise message 2
 *   COOKIE    51 03 · index u32 (the peer's) · cookie 16
 *
 * Message 1 carries `sentAt u48 · bytes16 ticket` and zeros, message 2
 * `status u8 · since u48 · serverTime u48 · keepAliveMs u32 · observed address 18`.
 */
import type { Address } from './address.ts'
import { Reader, Writer } from './cursor.ts'
import { sized } from './frames.ts'
import { KIND, VERSION, WELCOME_STATUS } from './numbers.ts'

export const SIGN_IN_PROLOGUE = new TextEncoder().encode('straightway/checkpoint/1')
export const COOKIE_BYTES = 16
/** Offset of Noise message 1. */
export const SIGN_IN_HEADER_BYTES = 6 + COOKIE_BYTES
const WELCOME_BYTES = 35

const STATUSES = Object.keys(WELCOME_STATUS) as WelcomeStatus[]

export type WelcomeStatus = keyof typeof WELCOME_STATUS

export interface SignIn {
  readonly index: number
  readonly cookie: Uint8Array
  readonly noise: Uint8Array
}

export interface SignInPayload {
  /** The peer's corrected clock; increases with every attempt. */
  readonly sentAt: number
  readonly ticket: Uint8Array
}

export interface WelcomeDatagram {
  readonly index: number
  readonly nodeIndex: number
  readonly noise: Uint8Array
}

export interface Welcome {
  readonly status: WelcomeStatus
  /** Start of the session, which distinguishes it from earlier sessions of the same peer. */
  readonly since: number
  readonly serverTime: number
  readonly keepAliveMs: number
  readonly observed: Address
}

export interface Cookie {
  readonly index: number
  readonly cookie: Uint8Array
}

export function encodeSignIn({ index, cookie, noise }: SignIn): Uint8Array {
  const writer = sized(SIGN_IN_HEADER_BYTES + noise.length)
  return writer.u8(VERSION).u8(KIND.SIGN_IN).u32(index).put(cookie).put(noise).done()
}

/** Decodes the whole datagram, as the other datagram decoders of this file do. Byte fields are views. */
export function decodeSignIn(bytes: Uint8Array): SignIn | undefined {
  const reader = new Reader(bytes, 2)
  const [index, cookie, noise] = [reader.u32(), reader.bytes(COOKIE_BYTES), reader.rest()]
  return reader.ok ? { index, cookie, noise } : undefined
}

/** `bytes`: minimum length; the payload is padded with zeros. */
export function encodeSignInPayload({ sentAt, ticket }: SignInPayload, bytes = 0): Uint8Array {
  const payload = new Uint8Array(Math.max(8 + ticket.length, bytes))
  new Writer(payload).u48(sentAt).bytes16(ticket)
  return payload
}

export function decodeSignInPayload(bytes: Uint8Array): SignInPayload | undefined {
  const reader = new Reader(bytes)
  const [sentAt, ticket] = [reader.u48(), reader.bytes16()]
  return reader.ok ? { sentAt, ticket } : undefined
}

export function encodeWelcomeDatagram({ index, nodeIndex, noise }: WelcomeDatagram): Uint8Array {
  const writer = sized(10 + noise.length)
  return writer.u8(VERSION).u8(KIND.WELCOME).u32(index).u32(nodeIndex).put(noise).done()
}

export function decodeWelcomeDatagram(bytes: Uint8Array): WelcomeDatagram | undefined {
  const reader = new Reader(bytes, 2)
  const [index, nodeIndex, noise] = [reader.u32(), reader.u32(), reader.rest()]
  return reader.ok ? { index, nodeIndex, noise } : undefined
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  const writer = sized(WELCOME_BYTES).u8(WELCOME_STATUS[welcome.status])
  writer.u48(welcome.since).u48(welcome.serverTime).u32(welcome.keepAliveMs)
  return writer.address(welcome.observed.words).done()
}

export function decodeWelcome(bytes: Uint8Array): Welcome | undefined {
  const reader = new Reader(bytes)
  const [status, since, serverTime] = [STATUSES[reader.u8()], reader.u48(), reader.u48()]
  const [keepAliveMs, observed] = [reader.u32(), reader.address()]
  if (!reader.ok || status === undefined) return undefined
  return { status, since, serverTime, keepAliveMs, observed }
}

export function encodeCookie({ index, cookie }: Cookie): Uint8Array {
  return sized(6 + COOKIE_BYTES)
    .u8(VERSION)
    .u8(KIND.COOKIE)
    .u32(index)
    .put(cookie)
    .done()
}

export function decodeCookie(bytes: Uint8Array): Cookie | undefined {
  const reader = new Reader(bytes, 2)
  const [index, cookie] = [reader.u32(), reader.bytes(COOKIE_BYTES).slice()]
  return reader.ok ? { index, cookie } : undefined
}
