/** A stub of the AWS services that functions call besides DynamoDB: Secrets Manager, and the connections of the gateway. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** The text of every secret. It is public, because it is used by benchmarks only. */
export const SECRET = 'the text that Secrets Manager made up'
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1' }

export interface Cloud {
  readonly endpoint: string
  close(): Promise<void>
}

export async function startCloud(): Promise<Cloud> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1]
  if (target === undefined) return void response.writeHead(204).end()
  const { VersionStage = 'AWSCURRENT' } = (await json(request)) as { VersionStage?: string }
  if (VersionStage !== 'AWSCURRENT') {
    response.writeHead(400, JSON_TYPE).end(JSON.stringify({ __type: 'ResourceNotFoundException' }))
    return
  }
  const Versions = [{ VersionStages: ['AWSCURRENT'], CreatedDate: Date.now() / 1000 }]
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ SecretString: SECRET, Versions }))
}
