import type { Watcher } from 'udx-native'
import { type Address, addressOf, isIpv4 } from '../../shared/wire/address.ts'
import { udx } from './udx.ts'

/** Interfaces come and go several at a time; one answer to all of it is enough. */
const SETTLE_MS = 250

/** Tells when the addresses of this machine changed, once for each burst of changes. */
export class InterfaceWatch {
  readonly #watcher: Watcher
  #timer: NodeJS.Timeout | undefined
  #known: string

  constructor(changed: () => void) {
    this.#watcher = udx.watchNetworkInterfaces(() => {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#compare(changed), SETTLE_MS)
    })
    this.#known = fingerprint()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#watcher.destroy()
  }

  #compare(changed: () => void): void {
    const present = fingerprint()
    if (present === this.#known) return
    this.#known = present
    changed()
  }
}

const fingerprint = (): string =>
  udx
    .networkInterfaces()
    .map(({ name, host }) => `${name} ${host}`)
    .sort()
    .join()

/** The addresses of this machine that others may reach: not loopback, not link-local, with the port of the family. */
export function hostCandidates(ports: {
  readonly four: number | undefined
  readonly six: number | undefined
}): Address[] {
  return udx
    .networkInterfaces()
    .filter(({ internal, host }) => !internal && !/^(169\.254\.|fe[89ab][0-9a-f]:)/i.test(host))
    .map(({ host }) => addressOf(host, 0))
    .filter((address) => address !== undefined)
    .flatMap(({ words }) => {
      const port = isIpv4(words) ? ports.four : ports.six
      if (port === undefined) return []
      words[4] = port
      return [{ words }]
    })
}
