/** The AWS services that an instance uses, on loopback: its metadata, its secret, and its autoscaling group. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface AwsUnderTest {
  readonly endpoint: string
  /** Assigns an IPv6 address to the instance. */
  assignIpv6(address: string): void
  /** Makes the group terminate the instance. */
  terminate(): void
  /** Resolves when the group was told that an action of this hook is complete. */
  completed(hook: string): Promise<URLSearchParams>
  close(): Promise<void>
}

/** Starts the services. `listen`: the address to answer at. Default: a free loopback port. */
export async function startAws(
  address: string,
  secret: string,
  listen = { host: '127.0.0.1', port: 0 },
): Promise<AwsUnderTest> {
  const metadata: Record<string, string> = {
    'meta-data/local-ipv4': address,
    'meta-data/public-ipv4': address,
    'meta-data/placement/region': 'us-east-1',
    'meta-data/instance-id': 'i-0123456789abcdef0',
    'meta-data/autoscaling/target-lifecycle-state': 'InService',
  }
  const told = new Map<string, PromiseWithResolvers<URLSearchParams>>()
  const completed = (hook: string) => {
    const waiting = told.get(hook) ?? Promise.withResolvers<URLSearchParams>()
    told.set(hook, waiting)
    return waiting
  }
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/latest/')) return answerMetadata(request, response, metadata)
    const body = await text(request)
    const target = request.headers['x-amz-target']
    if (target !== undefined) return answerSecret(response, JSON.parse(body) as SecretRequest, secret)
    const action = new URLSearchParams(body)
    const name = action.get('Action') ?? ''
    response.writeHead(200, { 'content-type': 'text/xml' })
    response.end(`<${name}Response xmlns="x"><${name}Result/></${name}Response>`)
    if (name === 'CompleteLifecycleAction') completed(action.get('LifecycleHookName') ?? '').resolve(action)
  })
  server.listen(listen.port, listen.host)
  await once(server, 'listening')
  return {
    endpoint: `http://${listen.host}:${(server.address() as AddressInfo).port}`,
    completed: (hook) => completed(hook).promise,
    assignIpv6(ipv6) {
      metadata['meta-data/ipv6'] = ipv6
    },
    terminate() {
      metadata['meta-data/autoscaling/target-lifecycle-state'] = 'Terminated'
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const TOKEN = 'token'

function answerMetadata(
  { method, url = '', headers }: IncomingMessage,
  response: ServerResponse,
  metadata: Readonly<Record<string, string>>,
): void {
  if (method === 'PUT' && url === '/latest/api/token') return void response.end(TOKEN)
  if (headers['x-aws-ec2-metadata-token'] !== TOKEN) return void response.writeHead(401).end()
  const value = metadata[url.slice('/latest/'.length)]
  if (value === undefined) response.writeHead(404).end()
  else response.end(value)
}

interface SecretRequest {
  readonly VersionStage: string
}

function answerSecret(response: ServerResponse, { VersionStage }: SecretRequest, secret: string): void {
  const type = { 'content-type': 'application/x-amz-json-1.1' }
  if (VersionStage === 'AWSCURRENT')
    response.writeHead(200, type).end(JSON.stringify({ SecretString: secret }))
  else response.writeHead(400, type).end(JSON.stringify({ __type: 'ResourceNotFoundException' }))
}
