/**
 * How a packet that the kernel forwards for a relay is marked: this in the upper half, the relay's port in the lower. What is
 * not marked does not pass a relay's host (udp-edge/kernel-relay, infra/node-units.ts).
 */
export const FORWARD_MARK = 0x5377_0000
