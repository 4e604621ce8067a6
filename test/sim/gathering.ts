/** The NAT evidence of one socket, without a tunnel: what a peer learns about its NAT from the given STUN servers. */
import type { Machine } from '../../shared/core/machine.ts'
import { Evidence, type Evidenced, type StunServer } from '../../shared/core/tunnel/evidence.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import type { Host } from './host.ts'
import { Process } from './process.ts'

const PATIENCE_MS = 3000

class Gathering implements Machine<never, never> {
  readonly evidence: Evidence

  constructor(evidence: Evidence) {
    this.evidence = evidence
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) this.evidence.take(arrived.at(i), now)
    this.evidence.tick(out, now)
  }

  handle(): void {}

  tick(out: Batch, now: number): void {
    this.evidence.tick(out, now)
  }

  deadline(): number {
    return this.evidence.deadline()
  }

  poll(): undefined {}
}

/** Returns what the evidence knows about the NAT of `host` when it reports that it is ready, and how long that took. */
export function evidenceOf(
  host: Host,
  stun: readonly StunServer[],
  options: { readonly tracing?: boolean } = {},
): Evidenced & { readonly tookMs: number } {
  const { world } = host
  const [port, startedAt] = [host.freePort(), world.now]
  const evidence = new Evidence(new Random(new Uint8Array(32).fill(port)), 0, options)
  evidence.start(stun, undefined, port, host.clock)
  new Process(host, new Gathering(evidence), [{ port }], () => {})
  world.until(() => evidence.ready, PATIENCE_MS)
  return { ...evidence.profile, tookMs: world.now - startedAt }
}
