/** The evidence of one socket alone, without a tunnel: what a peer finds out about its NAT from the STUN servers it is told. */
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

/** What is known of the NAT that `host` is behind when the evidence says that it is ready, and how long that took. */
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
