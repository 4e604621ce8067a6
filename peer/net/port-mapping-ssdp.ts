/**
 * Finds where the default gateway describes itself, by SSDP (UPnP Device Architecture 1.1, section 1.3). The search goes to
 * the gateway itself, and to the multicast group that some gateways listen to alone: whoever else hears that one is not
 * listened to, and the description must be on the gateway too.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const GROUP = '239.255.255.250'
/** Also answered by gateways of version 2. */
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const WAITS_MS = [250, 500, 1000, 2000]

export interface Search {
  readonly gateway: string
  /** Address of this machine towards it. */
  readonly local: string
  readonly port: number
}

/** Undefined where the gateway does not answer. */
export async function searchGateway(search: Search): Promise<URL | undefined> {
  const socket = createSocket('udp4')
  const found = new Promise<URL>((resolve) => {
    socket.on('message', (bytes, { address }) => {
      const location = locationIn(bytes.toString('latin1'))
      if (address === search.gateway && location?.hostname === search.gateway) resolve(location)
    })
  })
  try {
    await bound(socket, search.local)
    return await repeated(socket, search, found)
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}

/** Undefined where the text is no answer to a search. */
export function locationIn(text: string): URL | undefined {
  if (!/^HTTP\/1\.\d 200/.test(text)) return undefined
  const location = /^location:\s*(http:\S+)\s*$/im.exec(text)?.[1]
  return location !== undefined && URL.canParse(location) ? new URL(location) : undefined
}

async function repeated(socket: Socket, search: Search, found: Promise<URL>): Promise<URL | undefined> {
  for (const waitMs of WAITS_MS) {
    for (const to of [search.gateway, GROUP]) {
      const text = request(`${to}:${search.port}`)
      socket.send(text, search.port, to, () => {})
    }
    const location = await Promise.race([found, sleep(waitMs, undefined, { ref: false })])
    if (location !== undefined) return location
  }
  return undefined
}

const request = (host: string): string =>
  `M-SEARCH * HTTP/1.1\r\nHOST: ${host}\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ${DEVICE}\r\n\r\n`

async function bound(socket: Socket, local: string): Promise<void> {
  socket.bind(0, local)
  await once(socket, 'listening')
  socket.on('error', () => {})
  socket.setMulticastInterface(local)
  socket.setMulticastTTL(1)
}
