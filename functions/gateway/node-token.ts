/**
 * How a node proves who it is: a JWT (HS256) under a key of the fleet, `sub` the node, `aud` straightway-gateway, short-lived.
 */
import { jwtVerify } from 'jose'
import type { NodeId } from '../../shared/ids.ts'

export const GATEWAY_AUDIENCE = 'straightway-gateway'

/** Clocks of nodes and functions may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30

/** Undefined where no key of the fleet made the token, or it is no longer valid, or for something else. */
export async function nodeOf(token: string, fleetKeys: readonly Uint8Array[]): Promise<NodeId | undefined> {
  for (const key of fleetKeys) {
    const node = await verified(token, key)
    if (node !== undefined) return node
  }
  return undefined
}

async function verified(token: string, key: Uint8Array): Promise<NodeId | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience: GATEWAY_AUDIENCE,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
    return /^node_[a-z2-7]{8}$/.test(payload.sub!) ? (payload.sub as NodeId) : undefined
  } catch {
    return undefined
  }
}
