/**
 * The mark of packets that the kernel forwards for a relay: this value in the upper 16 bits, the relay's port in the lower 16.
 * The host of a relay forwards no packet without it (udp-edge/kernel-relay, infra/node-units.ts).
 */
export const FORWARD_MARK = 0x5377_0000
