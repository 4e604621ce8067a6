/**
 * Hosts of a relay, two peers and a stranger, each on its own wire to one router. The relay's host does not forward packets,
 * like a freshly installed machine.
 */
import { fileURLToPath } from 'node:url'
import { type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { FLEET_KEY, grants, random } from '../../udp-edge/relay-leg-under-test.ts'
import { Namespaces } from '../namespaces.ts'
import { Talker } from './talker.ts'

const HOSTS = { relay: 1, a: 2, b: 3, stranger: 4 } as const
export type Host = keyof typeof HOSTS
const IS_NO_ROUTER = ['net.ipv4.ip_forward=0', 'net.ipv6.conf.all.forwarding=0'] as const
const pathTo = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export const ip4 = (host: Host): string => `10.9.${HOSTS[host]}.2`
export const ip6 = (host: Host): string => `2001:db8:${HOSTS[host]}::2`

export interface Counted {
  readonly kernel: { readonly pairs: number; readonly readings: number }
  readonly offloaded: number
  readonly packets: number
  readonly bytes: number
  readonly overQuota: number
  readonly socket: { readonly received: number }
}

export class Network {
  readonly namespaces = new Namespaces()

  constructor() {
    this.namespaces.add('router')
    for (const [host, number] of Object.entries(HOSTS)) this.#wire(host, number)
    this.namespaces.exec('relay', ['sysctl', '-qw', ...IS_NO_ROUTER])
  }

  relay(options: object = {}, prefix: readonly string[] = []): Talker {
    const bound = { host: '::', publicAddress: ip4('relay'), ...options }
    const command = [process.execPath, pathTo('./relay-process.ts'), JSON.stringify(bound)]
    return new Talker(this.namespaces.spawn('relay', [...prefix, ...command], { stdio: 'pipe' }))
  }

  /** Returns two peers whose legs are proven. */
  async pair(relay: string): Promise<[Talker, Talker]> {
    const [first, second] = grants()
    const peers = [this.#peer('a', relay, first), this.#peer('b', relay, second)] as const
    await Promise.all(peers.map((peer) => peer.line('bound')))
    return [...peers]
  }

  /** Runs a command in the relay's host and returns its output. */
  at(host: Host, ...command: [string, ...string[]]): string {
    return this.namespaces.exec(host, command)
  }

  close(): Promise<void> {
    return this.namespaces.close()
  }

  #peer(host: Host, relay: string, grant: Grant): Talker {
    const sealed = sealGrant(FLEET_KEY, 'relay', grant, random.bytes(24))
    const secrets = [sealed, grantKey(FLEET_KEY, 'relay', grant)].map((bytes) =>
      Buffer.from(bytes).toString('hex'),
    )
    const command = [process.execPath, pathTo('./peer-process.ts'), relay, ...secrets]
    return new Talker(this.namespaces.spawn(host, command, { stdio: 'pipe' }))
  }

  #wire(host: string, number: number): void {
    const { namespaces } = this
    namespaces.add(host)
    const at = (last: number) => [`10.9.${number}.${last}/24`, `2001:db8:${number}::${last}/64`]
    namespaces.wire(
      { at: 'router', name: `to-${host}`, addresses: at(1) },
      { at: host, name: 'net', addresses: at(2) },
    )
    namespaces.route(host, '0.0.0.0/0', `10.9.${number}.1`)
    namespaces.route(host, '::/0', `2001:db8:${number}::1`)
  }
}
