/** Publishes the metrics of a node as configured: once a minute as log lines, and over HTTP on request. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { NodeConfig } from './config.ts'
import type { Sample } from './metrics.ts'
import { EmbeddedMetrics } from './metrics-embedded.ts'
import { CONTENT_TYPE, prometheusText } from './metrics-prometheus.ts'

/** Interval of log lines. CloudWatch resolves standard metrics to one minute. */
const TELL_EVERY_MS = 60_000

export interface PublishMetricsOptions {
  readonly config: NodeConfig['metrics']
  readonly read: () => readonly Sample[]
  readonly print: (line: string) => void
  readonly log: (what: string, error?: unknown) => void
}

export interface MetricsPublisher {
  /** URL of `GET /metrics`; undefined if metrics are not served over HTTP. */
  readonly url: string | undefined
  /** Publishes the last samples, and stops. */
  close(): Promise<void>
}

/** Starts publishing. If the port cannot be bound, that is logged, and the node serves without metrics over HTTP. */
export async function publishMetrics(options: PublishMetricsOptions): Promise<MetricsPublisher> {
  const { config, read, print } = options
  const embedded = config?.system === undefined ? undefined : new EmbeddedMetrics(config.system)
  const tell = () => {
    for (const line of embedded?.tell(read(), Date.now()) ?? []) print(line)
  }
  const timer = embedded && setInterval(tell, TELL_EVERY_MS)
  const server = await serve(options)
  return {
    url: server && urlOf(server),
    async close() {
      clearInterval(timer)
      tell()
      server?.closeAllConnections()
      server?.close()
    },
  }
}

async function serve({ config, read, log }: PublishMetricsOptions): Promise<Server | undefined> {
  if (config?.listen === undefined) return undefined
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/metrics')
      response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(prometheusText(read()))
    else response.writeHead(404).end()
  })
  const { host, port } = config.listen
  try {
    server.listen(port, host)
    await once(server, 'listening')
    return server
  } catch (error) {
    log(`metrics are not served at ${host} port ${port}`, error)
    return undefined
  }
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/metrics`
}
