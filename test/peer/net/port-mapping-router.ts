/** A router on loopback that describes itself by SSDP and answers SOAP, as configured by a test. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1'

export interface RouterSetting {
  readonly external?: string
  /** Successive error codes that AddPortMapping returns; then success. */
  readonly faults?: number[]
  /** Location to announce instead of the router's address. */
  readonly location?: (httpPort: number) => string
  readonly description?: string
  /** Number of searches that it ignores. */
  readonly deaf?: number
}

export interface Router {
  readonly ssdpPort: number
  /** Actions received, in order: `AddPortMapping NewExternalPort=4000 ...` */
  readonly actions: string[]
  searches: number
  close(): Promise<void>
}

export async function startRouter(setting: RouterSetting = {}): Promise<Router> {
  const { faults = [], external = '203.0.113.2', deaf = 0 } = setting
  const actions: string[] = []
  const http = createServer(async (request, reply) => {
    const body = (await request.toArray()).join('')
    if (request.method === 'GET') {
      reply.end(setting.description ?? DESCRIPTION)
      return
    }
    const action = /#(\w+)"/.exec(String(request.headers.soapaction))![1]!
    const values = [...body.matchAll(/<(New\w+)>([^<]*)</g)].map(([, name, value]) => `${name}=${value}`)
    actions.push([action, ...values].join(' '))
    const fault = action === 'AddPortMapping' ? faults.shift() : undefined
    reply.statusCode = fault === undefined ? 200 : 500
    reply.end(fault === undefined ? answer(action, external) : refusal(fault))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port: httpPort } = http.address() as AddressInfo
  const ssdp = createSocket('udp4')
  const router: Router = {
    ssdpPort: 0,
    actions,
    searches: 0,
    async close() {
      ssdp.close()
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
  ssdp.on('message', (bytes, { address, port }) => {
    if (!bytes.toString().startsWith('M-SEARCH') || router.searches++ < deaf) return
    const location = setting.location?.(httpPort) ?? `http://127.0.0.1:${httpPort}/root.xml`
    ssdp.send(`HTTP/1.1 200 OK\r\nST: device\r\nLocation: ${location}\r\n\r\n`, port, address)
  })
  ssdp.bind(0, '127.0.0.1')
  await once(ssdp, 'listening')
  return Object.assign(router, { ssdpPort: ssdp.address().port })
}

export const DESCRIPTION = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceList><device><serviceList>
<service><serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType><controlURL>/common</controlURL></service>
<service><serviceType>${TYPE}</serviceType><controlURL>/control?a=1&amp;b=2</controlURL></service>
</serviceList></device></deviceList></device></root>`

const envelope = (inside: string): string =>
  `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${inside}</s:Body></s:Envelope>`

function answer(action: string, external: string): string {
  const value =
    action === 'GetExternalIPAddress' ? `<NewExternalIPAddress>${external}</NewExternalIPAddress>` : ''
  return envelope(`<u:${action}Response xmlns:u="${TYPE}">${value}</u:${action}Response>`)
}

const refusal = (code: number): string =>
  envelope(
    `<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode></UPnPError></detail></s:Fault>`,
  )
