/**
 * Finds the device description of the default gateway by SSDP (UPnP Device Architecture 1.1, section 1.3). The search
 * goes to the gateway itself, and to the multicast group, because some gateways listen only there. Answers from other
 * hosts are ignored, and the description must be on the gateway too.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const GROUP = '239.255.255.250'
/** Gateways of version 2 answer this one too. */
const DEVICE = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const WAITS_MS = [250, 500, 1000, 2000]

export interface Search {
  readonly gateway: string
  /** Local address that reaches the gateway. */
  readonly local: string
  readonly port: number
}

/** URL of the gateway's description; undefined if the gateway does not answer. */
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

/** The URL in an answer to a search; undefined if the text is no such answer. */
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
