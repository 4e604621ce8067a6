/**
 * A grant says that the fleet let a peer in for one side of one tunnel. Only the fleet can read it; the key that goes with
 * it, given to the peer over its session, can be derived by any node from what the grant says. So whoever seals with that
 * key was let in, and nothing needs to be stored.
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
  /** 0 is the offering side. */
  readonly leg: 0 | 1
  readonly self: PeerId
  readonly other: PeerId
  /** Whose peer `self` is: charged for what it takes. */
  readonly user?: UserId | undefined
  /** A network that the two share, where they do: charged too. The offering side's node knows it. */
  readonly network?: NetworkId | undefined
  readonly expiresAt: number
  /** What the networks that the two share allow; everything where absent. */
  readonly paths?: Paths
  /** Where the peer proved to be when it was let in; zero where it was carried. */
  readonly from?: Address
}

export interface OpenedGrant extends Grant {
  readonly paths: Paths
  readonly from: Address
  /** 32 bytes: proves that its holder was given this grant. */
  readonly key: Uint8Array
}

/** How long a direction lets its holder join; a tunnel that needs the HANDSHAKE later asks for another (REJOIN). */
export const DIRECTION_MS = 10 * 60_000
/** Of a user's or a network's id. */
const ID_BYTES = 10
/** tunnel 16, leg u8, self 32, other 32, expiresAt u48, paths u8, from 18, user 10, network 10. */
const FIELDS_BYTES = 16 + 1 + 32 + 32 + 6 + 1 + 18 + 2 * ID_BYTES
/** Length of a sealed grant of version 1. */
export const GRANT_BYTES = 24 + FIELDS_BYTES + 16

/** `nonce`: 24 random bytes. */
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

/** Undefined where no key of the fleet sealed it. Whether it has expired is for the caller to see. */
export function openGrant(
  keys: FleetKeys,
  purpose: GrantPurpose,
  sealed: Uint8Array,
): OpenedGrant | undefined {
  const opened = openFleetWith(keys, purpose, sealed)
  const grant = opened && decode(opened.plaintext)
  return grant && { ...grant, key: grantKey(opened.key, purpose, grant) }
}

/** The two keys of a session with a HANDSHAKE: `up` is what the peer sends with. Each random is 16 bytes. */
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

/** Zeros if it is not known. */
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
