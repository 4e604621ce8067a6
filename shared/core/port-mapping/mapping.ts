import type { Address } from '../../wire/address.ts'
import type { Service } from './dialects.ts'
import { Question } from './question.ts'

/** A gateway that gives a mapping for seconds only is not asked more often than this. */
const LEAST_RENEWAL_MS = 4000
const never = Number.POSITIVE_INFINITY

/**
 *   waiting   for a service that has not refused it
 *   asking    one of them
 *   held      by a service until it expires; renewed at half its life, then at half of what is left
 *   leaving   no longer wanted: the service that may have it is asked to forget it
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

/** What is due: ask the service, or the end of the wait, or of the life. */
export type Due = 'ask' | 'unanswered' | 'expired'

/** One port of this machine for which a port of the gateway is wanted. */
export class Mapping {
  readonly port: number
  readonly nonce: Uint8Array
  /** Wished for: the one given before, or any. */
  externalPort: number
  /** Found taken, one after another. */
  taken = 0
  readonly refusedBy = new Set<Service>()
  state: MappingState = { kind: 'waiting' }

  constructor(port: number, nonce: Uint8Array, externalPort: number) {
    this.port = port
    this.nonce = nonce
    this.externalPort = externalPort
  }

  /** That has it, or is asked for it. */
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

  /** The gateway may have forgotten it. */
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
