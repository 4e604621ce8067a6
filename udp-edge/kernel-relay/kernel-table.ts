/**
 * The nftables table of one address family. Pairs are added and removed in batches, and the kernel's counters are read.
 *
 * nft executes commands in order. So a batch that removes pairs first reads the final counters of these pairs.
 */
import type { OffloadedTraffic } from '../../shared/core/relay/offload.ts'
import { type Address, formatIp, PORT_WORD } from '../../shared/wire/address.ts'
import { type Account, Ledger } from './ledger.ts'
import type { Nft } from './nft.ts'
import { addLegs, countersIn, type RelayPlace, removeLegs, sentIn, tableOf, tableRules } from './rules.ts'

/** Most elements in one nft command. */
const BATCH = 500

interface Pair {
  /** Addresses of leg 0 and leg 1. */
  readonly keys: readonly [string, string]
  readonly muted: Set<number>
}

export class KernelTable {
  readonly #nft: Nft
  readonly #table: string
  readonly #ledger: Ledger
  readonly #tell: (traffic: readonly OffloadedTraffic[]) => void
  readonly #pairs = new Map<number, Pair>()
  readonly #added = new Map<number, Pair>()
  readonly #removed = new Map<string, Account>()
  /** Packets that matched a leg and were to be forwarded, up to the last read. */
  #taken = 0
  /** Packets that left this host, up to the last read. */
  #sent = 0

  constructor(nft: Nft, place: RelayPlace, tell: (traffic: readonly OffloadedTraffic[]) => void) {
    this.#nft = nft
    this.#table = tableOf(place)
    this.#ledger = new Ledger(place.family.headerBytes)
    this.#tell = tell
    nft.run(tableRules(place))
  }

  get pairs(): number {
    return this.#pairs.size
  }

  has(pair: number): boolean {
    return this.#pairs.has(pair)
  }

  add(pair: number, addresses: readonly [Address, Address]): void {
    const keys = addresses.map(keyOf) as unknown as Pair['keys']
    const entry = { keys, muted: new Set<number>() }
    this.#pairs.set(pair, entry)
    this.#added.set(pair, entry)
    for (const [side, key] of keys.entries()) this.#ledger.open(key, pair * 2 + side)
  }

  remove(pair: number): void {
    const entry = this.#pairs.get(pair)
    if (entry === undefined) return
    for (const leg of entry.muted) this.unmute(leg)
    this.#pairs.delete(pair)
    const isNew = this.#added.delete(pair)
    for (const key of entry.keys) {
      const account = this.#ledger.close(key)
      if (!isNew && account !== undefined) this.#removed.set(key, account)
    }
  }

  mute(leg: number): void {
    const pair = this.#pairs.get(leg >>> 1)
    if (pair === undefined || pair.muted.has(leg)) return
    pair.muted.add(leg)
    this.#nft.run([`add element ${this.#table} muted { ${pair.keys[leg & 1]} }`])
  }

  unmute(leg: number): void {
    const pair = this.#pairs.get(leg >>> 1)
    if (pair?.muted.delete(leg) !== true) return
    const key = pair.keys[leg & 1]!
    this.#nft.run([`delete element ${this.#table} muted { ${key} }`])
    this.#ledger.unmute(key)
  }

  /** Sends the gathered changes to nft. Removals go first, because a new leg may have the address of a removed one. */
  flush(): void {
    for (const accounts of chunks([...this.#removed])) this.#take(new Map(accounts))
    this.#removed.clear()
    for (const pairs of chunks([...this.#added.values()])) {
      const legs = pairs.flatMap(({ keys: [a, b] }) => [
        { from: a, to: b },
        { from: b, to: a },
      ])
      this.#nft.run(addLegs(this.#table, legs))
    }
    this.#added.clear()
  }

  /** Reads the counters and reports the traffic since the last read. False if packets matched a leg but none left the host. */
  async read(): Promise<boolean> {
    this.flush()
    const before = this.#taken
    const reading = this.#ledger.ask()
    const [address, muted, counter] = await Promise.all([
      this.#nft.ask(`list map ${this.#table} address`),
      this.#nft.ask(`list set ${this.#table} muted`),
      this.#nft.ask(`list counter ${this.#table} sent`),
    ])
    this.#count(this.#ledger.forwarded(countersIn(address), reading))
    this.#tell(this.#ledger.muted(countersIn(muted), reading))
    const sent = sentIn(counter)
    const left = sent - this.#sent
    this.#sent = sent
    return this.#taken === before || left > 0
  }

  #take(accounts: ReadonlyMap<string, Account>): void {
    const keys = [...accounts.keys()]
    void this.#nft.ask(`get element ${this.#table} address { ${keys.join(', ')} }`).then((listing) => {
      this.#count(
        countersIn(listing).flatMap((each) => {
          const account = accounts.get(each.key)
          return account === undefined ? [] : this.#ledger.settle(account, each)
        }),
      )
    })
    this.#nft.run(removeLegs(this.#table, keys))
  }

  #count(traffic: readonly OffloadedTraffic[]): void {
    for (const { packets } of traffic) this.#taken += packets
    this.#tell(traffic)
  }
}

export function keyOf({ words }: Address): string {
  return `${formatIp(words)} . ${words[PORT_WORD]}`
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH)
}
