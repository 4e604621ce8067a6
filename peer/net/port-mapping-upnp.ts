/**
 * A client for UPnP IGD on the default gateway: WANIPConnection (versions 1 and 2) and WANPPPConnection. Each action is
 * one HTTP request.
 *
 * It is our own code, because the available libraries ask every gateway they find, or bring fifteen packages. The most
 * used one, @achingbrain/nat-port-mapper, comes with an XML parser, a logger and an SSDP server that binds port 1900.
 * Only the text of a few XML elements is needed here.
 */
import { type Address, addressOf } from '../../shared/wire/address.ts'
import { fetchText } from './port-mapping-http.ts'
import { searchGateway } from './port-mapping-ssdp.ts'

const SSDP_PORT = 1900
const CONNECTION = /^urn:schemas-upnp-org:service:WAN(IP|PPP)Connection:\d+$/
/** Error codes of WANIPConnection:1, section 2.4.16, and of WANIPConnection:2. */
const FAULT = { conflict: 718, samePort: 724, permanentOnly: 725, otherMechanism: 729 } as const

export interface UpnpOptions {
  readonly gateway: string
  readonly local: string
  readonly ssdpPort?: number
}

export interface UpnpWish {
  readonly port: number
  readonly externalPort: number
  /** 0: permanent. */
  readonly lifetimeSeconds: number
}

interface Service {
  readonly type: string
  readonly url: URL
}

type Values = Readonly<Record<string, string | number>>

export class UpnpGateway {
  readonly #options: UpnpOptions
  #service: Service | undefined
  #external: string | undefined
  /**
   * The last request. Requests run one at a time: the web servers of routers accept no more, and a mapping must exist
   * before it can be deleted.
   */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: UpnpOptions) {
    this.#options = options
  }

  /** External address of the gateway, with port 0; undefined if it does not support UPnP, or has no external address. */
  find(): Promise<Address | undefined> {
    return this.#inTurn(() => this.#find(), undefined)
  }

  /** Maps a port. Returns the external address and port, `taken` if another external port may be free, or `refused`. */
  map(wish: UpnpWish): Promise<Address | 'taken' | 'refused'> {
    return this.#inTurn(() => this.#map(wish), 'refused')
  }

  async unmap(externalPort: number): Promise<void> {
    await this.#inTurn(() => this.#act('DeletePortMapping', described(externalPort)), undefined)
  }

  async #find(): Promise<Address | undefined> {
    const { gateway, local, ssdpPort: port = SSDP_PORT } = this.#options
    const location = await searchGateway({ gateway, local, port })
    if (location === undefined) return undefined
    for (const service of servicesIn(await fetchText(location, { local }), location)) {
      this.#service = service
      const answer = await this.#act('GetExternalIPAddress', {})
      this.#external = answer.text && textOf(answer.text, 'NewExternalIPAddress')
      const address = this.#address(0)
      if (address !== undefined) return address
    }
    return undefined
  }

  async #map(wish: UpnpWish): Promise<Address | 'taken' | 'refused'> {
    const { fault } = await this.#act('AddPortMapping', {
      ...described(wish.externalPort),
      NewInternalPort: wish.port,
      NewInternalClient: this.#options.local,
      NewEnabled: 1,
      NewPortMappingDescription: 'straightway',
      NewLeaseDuration: wish.lifetimeSeconds,
    })
    if (fault === undefined) return this.#address(wish.externalPort) ?? 'refused'
    if (fault === FAULT.permanentOnly && wish.lifetimeSeconds > 0)
      return this.#map({ ...wish, lifetimeSeconds: 0 })
    if (fault === FAULT.samePort && wish.externalPort !== wish.port)
      return this.#map({ ...wish, externalPort: wish.port })
    return fault === FAULT.conflict || fault === FAULT.otherMechanism ? 'taken' : 'refused'
  }

  #address(port: number): Address | undefined {
    const address = this.#external === undefined ? undefined : addressOf(this.#external, port)
    return address && address.words[3] !== 0 ? address : undefined
  }

  async #act(action: string, values: Values): Promise<{ text?: string; fault?: number }> {
    if (this.#service === undefined) return { fault: 0 }
    const { type, url } = this.#service
    const inner = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`)
    const body = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action} xmlns:u="${type}">${inner.join('')}</u:${action}></s:Body></s:Envelope>`
    const text = await fetchText(url, {
      local: this.#options.local,
      headers: { 'Content-Type': 'text/xml; charset="utf-8"', SOAPAction: `"${type}#${action}"` },
      body,
    })
    return text.includes(`${action}Response`) ? { text } : { fault: Number(textOf(text, 'errorCode') ?? 0) }
  }

  #inTurn<T>(act: () => Promise<T>, otherwise: T): Promise<T> {
    const turn = this.#last.then(act).catch(() => otherwise)
    this.#last = turn
    return turn
  }
}

const described = (externalPort: number): Values => ({
  NewRemoteHost: '',
  NewExternalPort: externalPort,
  NewProtocol: 'UDP',
})

/** Services of a device description that can map ports. Only services on the device itself count. */
export function servicesIn(description: string, location: URL): Service[] {
  const base = textOf(description, 'URLBase') || location.href
  return [...description.matchAll(/<service>([\s\S]*?)<\/service>/g)].flatMap(([, inside = '']) => {
    const [type = '', control] = [textOf(inside, 'serviceType'), textOf(inside, 'controlURL')]
    if (!CONNECTION.test(type) || control === undefined || !URL.canParse(control, base)) return []
    const url = new URL(control, base)
    return url.hostname === location.hostname && url.protocol === 'http:' ? [{ type, url }] : []
  })
}

/** Text of the first element with that name in any namespace. */
function textOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<(?:[\\w-]+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(xml)?.[1]
  return text?.trim().replaceAll('&amp;', '&')
}
