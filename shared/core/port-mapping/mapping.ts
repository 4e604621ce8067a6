import type { Address } from '../../wire/address.ts'
import type { Service } from './dialects.ts'
import { Question } from './question.ts'

/** Minimum renewal interval, for a gateway that grants mappings for seconds only. */
const LEAST_RENEWAL_MS = 4000
const never = Number.POSITIVE_INFINITY

/**
 * The state of a mapping:
 *
 *   waiting   for a service that has not refused it
 *   asking    a service was asked for it
 *   held      granted by a service until it expires; renewed at half its lifetime, then at half of what is left
 *   leaving   no longer needed: the service that may have it is asked to delete it
 */
export type MappingState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'asking'; readonly service: Service; readonly question: Question }
  | {
      readonly kind: 'held'
      readonly service: Service
      readonly external: Address
      readonly expiresAt: number
      renewAt: number
      question: Question | undefined
    }
  | { readonly kind: 'leaving'; readonly service: Service; readonly question: Question }

/** The action that is due: ask the service, give up an unanswered request, or drop the expired mapping. */
export type Due = 'ask' | 'unanswered' | 'expired'

/** One port of this host for which a port of the gateway is requested. */
export class Mapping {
  readonly port: number
  readonly nonce: Uint8Array
  /** The requested external port: the one granted before, or a random one. */
  externalPort: number
  /** Number of consecutive external ports that were in use. */
  taken = 0
  readonly refusedBy = new Set<Service>()
  state: MappingState = { kind: 'waiting' }

  constructor(port: number, nonce: Uint8Array, externalPort: number) {
    this.port = port
    this.nonce = nonce
    this.externalPort = externalPort
  }

  /** The service that has granted the mapping, or is asked for it. */
  get service(): Service | undefined {
    return this.state.kind === 'waiting' ? undefined : this.state.service
  }

  ask(service: Service, now: number): void {
    this.state = { kind: 'asking', service, question: new Question(now) }
  }

  hold(service: Service, external: Address, lifetimeSeconds: number, now: number): void {
    const lifeMs = lifetimeSeconds * 1000
    const renewAt = now + Math.max(lifeMs / 2, LEAST_RENEWAL_MS)
    const expiresAt = now + Math.max(lifeMs, LEAST_RENEWAL_MS)
    this.externalPort = external.words[4]!
    this.taken = 0
    this.state = { kind: 'held', service, external, expiresAt, renewAt, question: undefined }
  }

  wait(): void {
    this.state = { kind: 'waiting' }
  }

  leave(service: Service, now: number): void {
    this.state = { kind: 'leaving', service, question: new Question(now) }
  }

  /** The gateway may have lost the mapping: renews it now. */
  doubt(now: number): void {
    if (this.state.kind !== 'held') return
    this.state.renewAt = now
    this.state.question = undefined
  }

  due(now: number): Due | undefined {
    const { state } = this
    if (state.kind === 'waiting') return undefined
    if (state.kind === 'held') return this.#renewal(state, now)
    if (now < state.question.dueAt) return undefined
    return state.question.next(now) ? 'ask' : 'unanswered'
  }

  deadline(): number {
    const { state } = this
    if (state.kind === 'waiting') return never
    if (state.kind !== 'held') return state.question.dueAt
    return Math.min(state.expiresAt, state.question?.dueAt ?? state.renewAt)
  }

  #renewal(state: MappingState & { kind: 'held' }, now: number): Due | undefined {
    if (now >= state.expiresAt) return 'expired'
    if (state.question === undefined && now >= state.renewAt) state.question = new Question(now)
    if (state.question === undefined || now < state.question.dueAt) return undefined
    if (state.question.next(now)) return 'ask'
    state.question = undefined
    state.renewAt = now + Math.max((state.expiresAt - now) / 2, LEAST_RENEWAL_MS)
    return undefined
  }
}
