/**
 * A grant states that the fleet admitted a peer to one side of one tunnel. Only the fleet can read it. The grant comes with a
 * key, which the peer gets over its session and which any node can derive from the grant's fields. So a datagram sealed with
 * that key proves that its sender was admitted, and nodes need to store nothing.
 */
import {
  fromBase32,
  type NetworkId,
  type PeerId,
  peerIdOf,
  publicKeyOf,
  type TunnelId,
  toBase32,
  type UserId,
} from '../ids.ts'
import { PATHS, type Paths } from '../paths.ts'
import { type Address, NOWHERE } from '../wire/address.ts'
import { Reader, Writer } from '../wire/cursor.ts'
import { type FleetKeys, openFleetWith, sealFleet } from './fleet.ts'
import { hash256 } from './hash.ts'

export type GrantPurpose = 'handshake' | 'relay'

export interface Grant {
  readonly tunnel: TunnelId
  /** Side of the tunnel; 0 is the offering side. */
  readonly leg: 0 | 1
  readonly self: PeerId
  readonly other: PeerId
  /** User of `self`, whose quota is charged. Undefined if unknown. */
  readonly user?: UserId | undefined
  /** A network that the two peers share, whose quota is charged too. Only the offering side's node knows it. */
  readonly network?: NetworkId | undefined
  readonly expiresAt: number
  /** Paths that the shared networks allow. Default: all. */
  readonly paths?: Paths
  /** Source address that the peer proved when it was admitted; zero if it has no UDP. */
  readonly from?: Address
}

export interface OpenedGrant extends Grant {
  readonly paths: Paths
  readonly from: Address
  /** 32 bytes. Using the key proves that the peer was given this grant. */
  readonly key: Uint8Array
}

/** Lifetime of a direction, within which its holder may join. A tunnel that rejoins later requests a new one (REJOIN). */
export const DIRECTION_MS = 10 * 60_000
/** Bytes of a user's or a network's id. */
const ID_BYTES = 10
/** Bytes of the fields: tunnel 16, leg u8, self 32, other 32, expiresAt u48, paths u8, from 18, user 10, network 10. */
const FIELDS_BYTES = 16 + 1 + 32 + 32 + 6 + 1 + 18 + 2 * ID_BYTES
/** Length of a sealed grant of version 1. */
export const GRANT_BYTES = 24 + FIELDS_BYTES + 16

/** Seals a grant. `nonce`: 24 random bytes. */
export function sealGrant(
  fleetKey: Uint8Array,
  purpose: GrantPurpose,
  grant: Grant,
  nonce: Uint8Array,
): Uint8Array {
  return sealFleet(fleetKey, purpose, encode(grant), nonce)
}

export function grantKey(fleetKey: Uint8Array, purpose: GrantPurpose, grant: Grant): Uint8Array {
  return hash256(fleetKey, purpose, encode(grant))
}

/** Opens a grant. Undefined if no fleet key sealed it. The caller has to check whether it has expired. */
export function openGrant(
  keys: FleetKeys,
  purpose: GrantPurpose,
  sealed: Uint8Array,
): OpenedGrant | undefined {
  const opened = openFleetWith(keys, purpose, sealed)
  const grant = opened && decode(opened.plaintext)
  return grant && { ...grant, key: grantKey(opened.key, purpose, grant) }
}

/** The two keys of a session with a HANDSHAKE: the peer sends with `up`, the node with `down`. Each random has 16 bytes. */
export function handshakeKeys(key: Uint8Array, peerRandom: Uint8Array, nodeRandom: Uint8Array) {
  return {
    up: hash256(key, 'up', peerRandom, nodeRandom),
    down: hash256(key, 'down', peerRandom, nodeRandom),
  }
}

function encode({
  tunnel,
  leg,
  self,
  other,
  expiresAt,
  paths = 'auto',
  from = NOWHERE,
  user,
  network,
}: Grant): Uint8Array {
  return new Writer(new Uint8Array(FIELDS_BYTES))
    .put(fromBase32(tunnel)!)
    .u8(leg)
    .put(publicKeyOf(self))
    .put(publicKeyOf(other))
    .u48(expiresAt)
    .u8(PATHS.indexOf(paths))
    .address(from.words)
    .put(idBytes(user))
    .put(idBytes(network))
    .done()
}

/** The bytes of an id; zeros if the id is unknown. */
function idBytes(id: UserId | NetworkId | undefined): Uint8Array {
  const bytes = id && fromBase32(id.slice(2))
  return bytes?.length === ID_BYTES ? bytes : new Uint8Array(ID_BYTES)
}

function idOf<Id extends UserId | NetworkId>(prefix: 'u' | 'n', bytes: Uint8Array): Id | undefined {
  return bytes.some((byte) => byte !== 0) ? (`${prefix}_${toBase32(bytes)}` as Id) : undefined
}

function decode(plaintext: Uint8Array): Omit<OpenedGrant, 'key'> | undefined {
  const reader = new Reader(plaintext)
  const grant = {
    tunnel: toBase32(reader.bytes(16)) as TunnelId,
    leg: reader.u8() as 0 | 1,
    self: peerIdOf(reader.bytes(32)),
    other: peerIdOf(reader.bytes(32)),
    expiresAt: reader.u48(),
    paths: PATHS[reader.u8()] ?? 'auto',
    from: reader.address(),
    user: idOf<UserId>('u', reader.bytes(ID_BYTES)),
    network: idOf<NetworkId>('n', reader.bytes(ID_BYTES)),
  }
  return reader.ok && grant.leg <= 1 ? grant : undefined
}
