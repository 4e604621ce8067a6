/** Finds out which of the three services the gateway offers. All are asked at the same time; none waits for another. */
import type { Address } from '../../wire/address.ts'
import { SERVICES, type Service } from './dialects.ts'
import { Epoch } from './epoch.ts'
import { Question } from './question.ts'

const never = Number.POSITIVE_INFINITY

interface Known {
  status: 'asked' | 'here' | 'silent'
  question: Question | undefined
  /** The gateway's external address, if the service reports it apart from mappings. */
  external: Address | undefined
  readonly epoch: Epoch
}

export class Services {
  readonly #known: Readonly<Record<Service, Known>>

  constructor(now: number) {
    this.#known = { pcp: asked(now), natPmp: asked(now), upnp: asked(now) }
  }

  /**
   * Asks all services again that are not being asked: the silent ones, and those that answered before, for their epoch
   * and address.
   */
  check(now: number): void {
    for (const known of Object.values(this.#known)) {
      if (known.question !== undefined) continue
      if (known.status === 'silent') known.status = 'asked'
      known.question = new Question(now)
    }
  }

  /** The services to be asked now. One that does not answer counts as silent, unless it has answered before. */
  due(now: number): Service[] {
    return SERVICES.filter((service) => {
      const { question } = this.#known[service]
      if (question === undefined || now < question.dueAt) return false
      if (!question.next(now)) this.silent(service)
      else if (service === 'upnp') question.entrust()
      return this.#known[service].question !== undefined
    })
  }

  here(service: Service, external: Address | undefined): void {
    const known = this.#known[service]
    known.status = 'here'
    known.question = undefined
    known.external = external ?? known.external
  }

  silent(service: Service): void {
    const known = this.#known[service]
    known.question = undefined
    if (known.status === 'asked') known.status = 'silent'
  }

  /** False if the gateway has lost its mappings. */
  heard(service: Service, epochSeconds: number, now: number): boolean {
    return this.#known[service].epoch.heard(epochSeconds, now)
  }

  externalOf(service: Service): Address | undefined {
    return this.#known[service].external
  }

  get present(): Service[] {
    return SERVICES.filter((service) => this.#known[service].status === 'here')
  }

  /** True if every service has answered or was given up. */
  get settled(): boolean {
    return SERVICES.every((service) => this.#known[service].status !== 'asked')
  }

  deadline(): number {
    return Math.min(...SERVICES.map((service) => this.#known[service].question?.dueAt ?? never))
  }
}

function asked(now: number): Known {
  return { status: 'asked', question: new Question(now), external: undefined, epoch: new Epoch() }
}
