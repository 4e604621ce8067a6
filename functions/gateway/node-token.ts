/**
 * The token by which a node proves its identity: a short-lived JWT (HS256) signed with a fleet key. `sub` is the
 * node, `aud` is straightway-gateway.
 */
import { jwtVerify } from 'jose'
import type { NodeId } from '../../shared/ids.ts'

export const GATEWAY_AUDIENCE = 'straightway-gateway'

/** Allowed difference between the clocks of nodes and functions. */
const CLOCK_TOLERANCE_SECONDS = 30

/**
 * The node that the token names. Undefined if no fleet key made it, if it has expired, or if it has another audience.
 */
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
