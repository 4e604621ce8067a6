/**
 * The closed list of reasons why a tunnel is relayed, the same in SDK, CLI, API, metrics and documentation. `number` is the
 * code on the wire; `advice` says what the user can do about it.
 */
export const WHY_NOT_DIRECT = {
  'not-yet': { number: 0, advice: 'Traversal is still going on; data flows over the relay meanwhile.' },
  policy: { number: 1, advice: 'The connection, a peer or the network asked for relayed paths only.' },
  'udp-blocked': {
    number: 2,
    advice: 'A firewall drops UDP on one side. Allow outgoing UDP, or stay on the relay.',
  },
  'both-symmetric': {
    number: 3,
    advice:
      'Both NATs give every destination another port. Enable UPnP, NAT-PMP, PCP or IPv6 on one of the routers.',
  },
  symmetric: {
    number: 4,
    advice:
      'One NAT gives every destination another port and its ports could not be foreseen. Enable port mapping or IPv6 there.',
  },
  'no-candidates': {
    number: 5,
    advice: 'A side found no address of its own to offer. Check that it reaches the STUN pair.',
  },
  'probe-timeout': {
    number: 6,
    advice: 'No probe crossed in time although the NATs allow it. It is tried again by itself.',
  },
  'data-blocked': {
    number: 7,
    advice: 'Small probes crossed, packets of full size did not: a path with a smaller MTU or a filter.',
  },
  'path-died': {
    number: 8,
    advice: 'The direct path worked and then fell silent. It is tried again by itself.',
  },
  'handshake-unreachable': { number: 9, advice: 'The HANDSHAKE did not answer. Check the nodes.' },
  'relay-better': {
    number: 10,
    advice:
      'The direct path loses a quarter of its packets or is much slower than the relay. It is watched and comes back by itself.',
  },
  'address-pool': {
    number: 11,
    advice:
      'A carrier gives one side several public addresses, so nobody can foresee from which one its packets come. Enable IPv6 there.',
  },
} as const

/** A reason why a tunnel is relayed: a key of WHY_NOT_DIRECT, which has advice for each. */
export type WhyNotDirect = keyof typeof WHY_NOT_DIRECT

const BY_NUMBER = new Map<number, WhyNotDirect>(
  Object.entries(WHY_NOT_DIRECT).map(([name, { number }]) => [number, name as WhyNotDirect]),
)

export const whyNotDirectOf = (number: number): WhyNotDirect => BY_NUMBER.get(number) ?? 'probe-timeout'
