/** Counts how pairs end up: each once as relayed, or as direct with the technique that did it. */
import type { Order } from './attempt.ts'
import type { HandshakeCounters } from './events.ts'
import type { Pair } from './pair.ts'

export function countOutcome(
  { direct, relayed, recovered }: HandshakeCounters,
  pair: Pair,
  { outcome, technique }: Extract<Order, { kind: 'outcome' }>,
): void {
  if (technique === undefined) {
    if (pair.countedAs === undefined) increment(relayed, outcome.whyNotDirect)
    pair.countedAs ??= 'relayed'
    return
  }
  if (pair.countedAs === undefined) increment(direct, technique)
  if (pair.countedAs === 'relayed') increment(recovered, technique)
  pair.countedAs = 'direct'
}

function increment<Name extends string>(counts: Partial<Record<Name, number>>, name: Name): void {
  counts[name] = (counts[name] ?? 0) + 1
}
