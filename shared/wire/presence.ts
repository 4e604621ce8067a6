/**
 * Reports of peers about themselves, and news about others (README.md, section 3). Bodies of frames:
 *
 *   STATUS            version u32 · status u8 · str8 custom · bytes16 metadata (JSON) · bytes16 prekey (absent: none)
 *   PRESENCE          presence record
 *   FIND              request u32 · limit u8 · bytes16 filter
 *   FOUND             request u32 · presence record
 *   FOUND_END         request u32 · count u16 · more u8 · str8 error
 *   CHANGE            bytes16 JSON of a `membership` or `metadata` push
 *
 *   presence record   peer 32 · status u8 · since u48 · version u32 · lastSeenAt u48 · str8 user · str8 custom
 *                     bytes16 metadata (JSON)
 */
import { isPeerId, type PeerId, peerIdOf, publicKeyOf, type UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { Metadata, PresenceRecord, Status } from '../presence.ts'
import type { Push } from '../push.ts'
import { isTableNumber } from '../table-number.ts'
import { Reader, type Writer } from './cursor.ts'
import { MAX_BODY_BYTES, sized, utf8Length } from './frames.ts'
import { decodeJson, encodeJson, isRecord } from './json.ts'
import { PREKEY_BYTES, STATUS } from './numbers.ts'

/** Statuses in the order of their numbers. */
const STATUSES = Object.keys(STATUS) as Status[]
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** The states that a peer may report. */
export type OwnStatus = 'online' | 'away' | 'busy' | 'invisible'

export interface StatusUpdate {
  readonly version: number
  readonly status: OwnStatus
  readonly custom: string
  readonly metadata: Metadata
  /** The prekey of the peer (`prekeys.ts`), if it has one: PREKEY_BYTES. */
  readonly prekey?: Uint8Array
}

export interface Find {
  readonly request: number
  /** 1 to 255. */
  readonly limit: number
  /** SCIM filter (RFC 7644 section 3.4.2.2). */
  readonly filter: string
}

export interface Found {
  readonly request: number
  readonly record: PresenceRecord
}

export interface FoundEnd {
  readonly request: number
  readonly count: number
  readonly more: boolean
  /** Empty, or what is wrong with the filter. */
  readonly error: string
}

/** A change of a membership or of metadata, of this user or of one that shares a network with it. */
export type Change = Extract<Push, { kind: 'membership' | 'metadata' }>

export function encodeStatus({ version, status, custom, metadata, prekey }: StatusUpdate): Uint8Array {
  const json = encodeJson(metadata)
  const prekeyBytes = prekey === undefined ? 0 : 2 + prekey.length
  const writer = sized(8 + utf8Length(custom) + json.length + prekeyBytes)
    .u32(version)
    .u8(STATUS[status])
  writer.str8(custom).bytes16(json)
  if (prekey !== undefined) writer.bytes16(prekey)
  return writer.done()
}

/** Undefined also if a text exceeds its limit (LIMITS), or the metadata is not flat. */
export function decodeStatus(body: Uint8Array): StatusUpdate | undefined {
  const reader = new Reader(body)
  const [version, status, custom] = [reader.u32(), STATUSES[reader.u8()], reader.str8()]
  const metadata = readMetadata(reader)
  const prekey = readPrekey(reader)
  if (!reader.ok || metadata === undefined || !isOwnStatus(status)) return undefined
  if (utf8Length(custom) > LIMITS.customStatusBytes) return undefined
  return { version, status, custom, metadata, ...(prekey && { prekey }) }
}

/** Undefined if there is none, or it has another size: then it is of a later version. */
function readPrekey(reader: Reader): Uint8Array | undefined {
  if (!reader.ok || reader.left === 0) return undefined
  const prekey = reader.bytes16()
  return prekey.length === PREKEY_BYTES ? prekey.slice() : undefined
}

export function encodePresence(record: PresenceRecord): Uint8Array {
  return writeRecord(record, 0, () => {})
}

export function decodePresence(body: Uint8Array): PresenceRecord | undefined {
  return readRecord(new Reader(body))
}

export function encodeFind({ request, limit, filter }: Find): Uint8Array {
  const text = encoder.encode(filter)
  return sized(7 + text.length)
    .u32(request)
    .u8(limit)
    .bytes16(text)
    .done()
}

export function decodeFind(body: Uint8Array): Find | undefined {
  const reader = new Reader(body)
  const [request, limit, text] = [reader.u32(), reader.u8(), reader.bytes16()]
  if (!reader.ok || limit === 0 || text.length > LIMITS.filterBytes) return undefined
  return { request, limit, filter: decoder.decode(text) }
}

export function encodeFound({ request, record }: Found): Uint8Array {
  return writeRecord(record, 4, (writer) => writer.u32(request))
}

export function decodeFound(body: Uint8Array): Found | undefined {
  const reader = new Reader(body)
  const request = reader.u32()
  const record = readRecord(reader)
  return record && { request, record }
}

export function encodeFoundEnd({ request, count, more, error }: FoundEnd): Uint8Array {
  const text = clipped(error)
  const writer = sized(8 + utf8Length(text))
    .u32(request)
    .u16(count)
  return writer
    .u8(more ? 1 : 0)
    .str8(text)
    .done()
}

export function decodeFoundEnd(body: Uint8Array): FoundEnd | undefined {
  const reader = new Reader(body)
  const [request, count, more, error] = [reader.u32(), reader.u16(), reader.u8() !== 0, reader.str8()]
  return reader.ok ? { request, count, more, error } : undefined
}

/** The value of a `metadata` change is omitted if it does not fit; the application can then ask INDEX. */
export function encodeChange(change: Change): Uint8Array {
  const whole = encodeJson(change)
  const json = whole.length + 2 <= MAX_BODY_BYTES ? whole : encodeJson({ ...change, value: undefined })
  return sized(2 + json.length)
    .bytes16(json)
    .done()
}

export function decodeChange(body: Uint8Array): Change | undefined {
  const reader = new Reader(body)
  const value = decodeJson(reader.bytes16())
  if (!reader.ok || !isRecord(value)) return undefined
  return value.kind === 'membership' || value.kind === 'metadata' ? (value as Change) : undefined
}

/** True for flat JSON that a table can store: numbers, texts, booleans, null and lists of texts. */
export function isMetadata(value: unknown): value is Metadata {
  return isRecord(value) && Object.keys(value).every(isName) && Object.values(value).every(isMetadataValue)
}

export const readPeer = (reader: Reader): PeerId => peerIdOf(reader.bytes(32))

export const writePeer = (writer: Writer, peer: PeerId): Writer => writer.put(publicKeyOf(peer))

function writeRecord(record: PresenceRecord, before: number, lead: (writer: Writer) => void): Uint8Array {
  const json = encodeJson(record.metadata)
  const writer = sized(before + 53 + utf8Length(record.user) + utf8Length(record.custom) + json.length)
  lead(writer)
  writePeer(writer, record.peer).u8(STATUS[record.status]).u48(record.since)
  writer.u32(record.version).u48(record.lastSeenAt)
  return writer.str8(record.user).str8(record.custom).bytes16(json).done()
}

function readRecord(reader: Reader): PresenceRecord | undefined {
  const [peer, status, since] = [readPeer(reader), STATUSES[reader.u8()], reader.u48()]
  const [version, lastSeenAt] = [reader.u32(), reader.u48()]
  const [user, custom] = [reader.str8() as UserId, reader.str8()]
  const metadata = readMetadata(reader)
  if (!reader.ok || metadata === undefined || status === undefined || !isPeerId(peer)) return undefined
  return { peer, user, status, custom, metadata, since, version, lastSeenAt }
}

function readMetadata(reader: Reader): Metadata | undefined {
  const bytes = reader.bytes16()
  if (bytes.length > LIMITS.metadataBytes) return undefined
  const value = decodeJson(bytes)
  return isMetadata(value) ? value : undefined
}

/** JSON can escape half of a surrogate pair, which no table can store. */
const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed()
/** No table can store the two names, as they have a special meaning in objects. */
const isName = (name: string): boolean =>
  name !== '' && name !== '__proto__' && name !== 'constructor' && isText(name)

function isMetadataValue(value: unknown): boolean {
  if (typeof value === 'number') return isTableNumber(value)
  if (typeof value === 'string') return isText(value)
  if (Array.isArray(value)) return value.every(isText)
  return value === null || typeof value === 'boolean'
}

function isOwnStatus(status: Status | undefined): status is OwnStatus {
  return status !== undefined && STATUS[status] <= STATUS.invisible
}

/** At most 255 bytes, cut between characters. */
function clipped(text: string): string {
  let end = Math.min(text.length, 255)
  while (utf8Length(text.slice(0, end)) > 255) end--
  return text.slice(0, end)
}
