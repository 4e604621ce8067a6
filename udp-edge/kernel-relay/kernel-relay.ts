/**
 * Lets the kernel forward the pairs that the relay's machine hands over (shared/core/relay/offload.ts). This needs nft,
 * CAP_NET_ADMIN, and a network interface with one address.
 *
 * After any failure the process forwards all pairs itself, as before. The kernel is tried again after a second, with a
 * backoff that doubles up to a minute. Failures can be temporary: a host that has just started, or whose link is down for a
 * moment, has no address until its link is up.
 */
import { networkInterfaces } from 'node:os'
import type { OffloadEffect, OffloadedTraffic } from '../../shared/core/relay/offload.ts'
import { formatIp, isIpv4 } from '../../shared/wire/address.ts'
import { disableForwarding, enableForwarding } from './forwarding.ts'
import { KernelTable } from './kernel-table.ts'
import { Nft } from './nft.ts'
import { factsHere, localIps, placesOf } from './places.ts'
import { IPV4, type RelayPlace } from './rules.ts'

/** Time that new pairs wait to be added in one batch. Withdrawals do not wait, as their packets still go to the old address. */
const GATHER_MS = 10
/** Shortest interval between two reads of the counters. */
const READ_MS = 1000
/** Shortest pause between two reads, as a multiple of the time the last one took: reading thousands of counters is slow. */
const READ_SHARE = 20
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

export interface KernelRelayOptions {
  /** Address that the relay is bound to. */
  readonly host: string
  readonly port: number
  /** Called when the kernel starts forwarding the pairs it is given (true), and when it stops (false). */
  readonly onForwarding: (isForwarding: boolean) => void
  /** Called with the packets and bytes that the kernel has forwarded since the last call. */
  readonly onTraffic: (traffic: readonly OffloadedTraffic[]) => void
  /** Called when forwarding moves between kernel and process, with the reason. */
  readonly log: (what: string, why?: unknown) => void
}

export interface KernelCounters {
  /** Pairs that the kernel forwards. */
  readonly pairs: number
  /** Number of times its counters were read. */
  readonly readings: number
}

export class KernelRelay {
  readonly #options: KernelRelayOptions
  #session: Session | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS
  #said: unknown
  #isClosed = false
  #readings = 0

  constructor(options: KernelRelayOptions) {
    this.#options = options
    this.#start()
  }

  get counters(): KernelCounters {
    return { pairs: this.#session?.pairs ?? 0, readings: this.#readings }
  }

  take(effect: OffloadEffect): void {
    this.#session?.take(effect)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    await this.#session?.close()
  }

  #start(): void {
    const { onForwarding, log } = this.#options
    const startedAt = performance.now()
    const session = new Session(this.#options, {
      ready: () => {
        this.#said = undefined
        log(`the kernel forwards for the relay at ${session.addresses.join(' and ')}`)
        onForwarding(true)
      },
      read: () => {
        this.#readings++
      },
      failed: (why) => {
        this.#session = undefined
        if (this.#said !== why) log('the relay forwards in its process, not in the kernel', why)
        this.#said = why
        onForwarding(false)
        if (performance.now() - startedAt > LAST_RETRY_MS) this.#retryMs = FIRST_RETRY_MS
        if (!this.#isClosed) this.#retryLater()
      },
    })
    this.#session = session
    session.start()
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => this.#start(), this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
  }
}

interface SessionEvents {
  ready(): void
  read(): void
  /** Called at most once, and last. */
  failed(why: string): void
}

/** One attempt at forwarding in the kernel, from the start of nft to its end. */
class Session {
  readonly #options: KernelRelayOptions
  readonly #events: SessionEvents
  readonly #tables = new Map<'ip' | 'ip6', KernelTable>()
  #places: readonly RelayPlace[] = []
  #locals: ReadonlySet<string> = new Set()
  #nft: Nft | undefined
  #gathering: NodeJS.Timeout | undefined
  #flushing: NodeJS.Immediate | undefined
  #reading: NodeJS.Timeout | undefined
  #isOver = false
  readonly #atExit = () => this.#disable()

  constructor(options: KernelRelayOptions, events: SessionEvents) {
    this.#options = options
    this.#events = events
  }

  get addresses(): readonly string[] {
    return this.#places.map(({ ip }) => ip)
  }

  get pairs(): number {
    return [...this.#tables.values()].reduce((sum, { pairs }) => sum + pairs, 0)
  }

  start(): void {
    try {
      this.#open()
    } catch (error) {
      this.#fail(error instanceof Error ? firstLine(error) : String(error))
    }
  }

  take(effect: OffloadEffect): void {
    if (this.#isOver) return
    if (effect.kind === 'offload') this.#offload(effect)
    else if (effect.kind === 'withdraw') for (const table of this.#tables.values()) table.remove(effect.pair)
    else for (const table of this.#tables.values()) table[effect.kind](effect.leg)
    if (effect.kind === 'offload') this.#gathering ??= setTimeout(() => this.#flush(), GATHER_MS)
    else this.#flushing ??= setImmediate(() => this.#flush())
  }

  async close(): Promise<void> {
    if (this.#isOver) return
    this.#end()
    await this.#nft?.close()
    this.#disable()
  }

  #open(): void {
    const { host, port, onTraffic } = this.#options
    const facts = factsHere()
    const places = placesOf(host, port, facts)
    if (places.length === 0)
      throw new Error(`the relay's address ${host} is not one that packets of a network come to`)
    process.once('exit', this.#atExit)
    this.#places = places.filter(({ family, interfaces }) => enableForwarding(family, interfaces))
    if (this.#places.length === 0)
      throw new Error('this kernel cannot forward by one interface alone, and the host is no router')
    this.#locals = localIps(facts.interfaces)
    const nft = new Nft((why) => this.#fail(why))
    this.#nft = nft
    for (const place of this.#places)
      this.#tables.set(place.family.name, new KernelTable(nft, place, onTraffic))
    void this.#read().then(() => this.#isOver || this.#events.ready())
  }

  #offload({ pair, addresses }: OffloadEffect & { kind: 'offload' }): void {
    if (addresses.some(({ words }) => this.#locals.has(formatIp(words)))) return
    this.#tables.get(isIpv4(addresses[0].words) ? IPV4.name : 'ip6')?.add(pair, addresses)
  }

  #flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#flushing = undefined
    for (const table of this.#tables.values()) table.flush()
  }

  async #read(): Promise<void> {
    const startedAt = performance.now()
    this.#locals = localIps(networkInterfaces())
    const gone = this.addresses.find((ip) => !this.#locals.has(ip))
    if (gone !== undefined) {
      this.#fail(`this host no longer has the address ${gone}`)
      return
    }
    const outcomes = await Promise.all([...this.#tables.values()].map((table) => table.read()))
    if (this.#isOver) return
    if (outcomes.includes(false)) {
      this.#fail(
        'packets that the kernel should have forwarded did not leave: another rule of this host drops them',
      )
      return
    }
    this.#events.read()
    const wait = Math.max(READ_MS, (performance.now() - startedAt) * READ_SHARE)
    this.#reading = setTimeout(() => void this.#read(), wait).unref()
  }

  #fail(why: string): void {
    if (this.#isOver) return
    this.#end()
    const closed = this.#nft?.close() ?? Promise.resolve()
    void closed.then(() => {
      this.#disable()
      this.#events.failed(why)
    })
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#gathering)
    clearImmediate(this.#flushing)
    clearTimeout(this.#reading)
    process.off('exit', this.#atExit)
  }

  /** Disables forwarding. Errors are ignored, because a guard that stays behind lets nothing through. */
  #disable(): void {
    for (const { family, interfaces } of this.#places) {
      try {
        disableForwarding(family, interfaces)
      } catch {}
    }
  }
}

/** First line of a failed command's error output, or the error's message if there is none. */
function firstLine(error: Error & { readonly stderr?: Buffer | string }): string {
  const said = String(error.stderr ?? '').trim()
  return said === '' ? error.message : said.split('\n')[0]!
}
