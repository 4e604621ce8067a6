/** A network between a peer and the nodes of a system, which drops UDP when a test says so. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { arrayBuffer } from 'node:stream/consumers'
import { freePort } from '../../local/engine.ts'
import { formatIp, parseAddress } from '../../shared/wire/address.ts'

const HOST = '127.0.0.1'

/** Forwards datagrams to one address and back, each client by its own port, like a NAT. */
class Gate {
  isOpen = true
  /** Number of datagrams from clients. */
  datagrams = 0
  readonly #delayMs: number
  readonly #inside = dgram.createSocket('udp4')
  readonly #outside = new Map<number, dgram.Socket>()
  readonly #host: string
  #isClosed = false
  readonly #port: number

  constructor(target: string, delayMs: number) {
    this.#delayMs = delayMs
    const { words } = parseAddress(target)!
    this.#host = formatIp(words)
    this.#port = words[4]!
    this.#inside.on('message', (bytes, { port }) => {
      this.datagrams++
      if (this.isOpen) this.#later(() => this.#socketFor(port).send(bytes, this.#port, this.#host))
    })
  }

  async open(): Promise<string> {
    this.#inside.bind(0, HOST)
    await once(this.#inside, 'listening')
    return `${HOST}:${this.#inside.address().port}`
  }

  close(): void {
    this.#isClosed = true
    for (const socket of [this.#inside, ...this.#outside.values()]) socket.close()
  }

  #later(send: () => void): void {
    if (this.#delayMs === 0) send()
    else setTimeout(() => this.#isClosed || send(), this.#delayMs)
  }

  #socketFor(client: number): dgram.Socket {
    const known = this.#outside.get(client)
    if (known !== undefined) return known
    const socket = dgram.createSocket('udp4')
    socket.on('message', (bytes) => this.isOpen && this.#later(() => this.#inside.send(bytes, client, HOST)))
    this.#outside.set(client, socket)
    return socket
  }
}

/** Reserves the port of the gate in front of INDEX. The system has to know this host name. */
export async function gatePort(): Promise<{ readonly port: number; readonly indexHosts: readonly string[] }> {
  const port = await freePort()
  return { port, indexHosts: [`${HOST}:${port}`] }
}

export interface UdpGate {
  /** URL of INDEX that names the services behind the gate. */
  readonly index: string
  /** True if UDP passes. */
  isOpen: boolean
  /** Number of datagrams from the peers' side. */
  readonly datagrams: number
  close(): void
}

/**
 * Puts a gate in front of INDEX, at that port, and of the services at these addresses. It adds the given delay in each
 * direction.
 */
export async function udpGate(
  { index }: { readonly index: string },
  port: number,
  services: readonly string[],
  delayMs = 0,
): Promise<UdpGate> {
  const gates = services.map((target) => new Gate(target, delayMs))
  const addresses = await Promise.all(gates.map((gate) => gate.open()))
  const seen = (text: string) =>
    services.reduce((so, target, i) => so.replaceAll(`"${target}"`, `"${addresses[i]}"`), text)
  const server = await proxy(index, port, seen)
  return {
    index: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    get isOpen() {
      return gates.every((gate) => gate.isOpen)
    },
    set isOpen(isOpen) {
      for (const gate of gates) gate.isOpen = isOpen
    },
    get datagrams() {
      return gates.reduce((sum, gate) => sum + gate.datagrams, 0)
    },
    close() {
      for (const gate of gates) gate.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Forwards requests to `target`, and passes the answers through `seen`. */
async function proxy(target: string, port: number, seen: (text: string) => string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', headers } = request
    const body = new Uint8Array(await arrayBuffer(request))
    const { authorization = '' } = headers
    const asked = {
      method,
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    }
    const answer = await fetch(`${target}${request.url}`, { ...asked, ...(body.length > 0 && { body }) })
    const text = seen(await answer.text())
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text)
  })
  server.listen(port, HOST)
  await once(server, 'listening')
  return server
}
