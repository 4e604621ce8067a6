/**
 * A proxy before the emulator that adds the one call of a restore that no emulator serves, RestoreTableToPointInTime. It
 * copies the current items of the table to another table, with the keys and indexes that the emulator describes. Everything
 * else is forwarded.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { connection } from '../../../local/cloud/cdk.ts'

export interface Restoring {
  readonly endpoint: string
  close(): Promise<void>
}

export async function startRestoring(emulator: string): Promise<Restoring> {
  const client = new DynamoDBClient(connection(emulator))
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const isRestore = String(request.headers['x-amz-target']).endsWith('.RestoreTableToPointInTime')
    if (!isRestore) return pass(emulator, request, body, response)
    const { SourceTableName, TargetTableName } = JSON.parse(body.toString()) as Record<string, string>
    await restore(client, SourceTableName!, TargetTableName!)
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"TableDescription":{}}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      client.destroy()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function pass(emulator: string, request: IncomingMessage, body: Buffer, response: ServerResponse) {
  const { host: _, connection: __, 'content-length': ___, expect: ____, ...headers } = request.headers
  const hasBody = body.length > 0
  const answer = await fetch(`${emulator}${request.url}`, {
    method: request.method ?? 'GET',
    headers: Object.entries(headers).flatMap(([name, value]) => (value ? [[name, String(value)]] : [])),
    ...(hasBody && { body: new Uint8Array(body) }),
  })
  const said = Buffer.from(await answer.arrayBuffer())
  const type = answer.headers.get('content-type') ?? 'application/octet-stream'
  response.writeHead(answer.status, { 'content-type': type }).end(said)
}

async function restore(client: DynamoDBClient, source: string, target: string): Promise<void> {
  const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: source }))
  const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes = [] } = Table
  const indexes = GlobalSecondaryIndexes.map(({ IndexName, KeySchema: keys, Projection }) => ({
    IndexName,
    KeySchema: keys,
    Projection,
  }))
  await client.send(
    new CreateTableCommand({
      TableName: target,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema,
      AttributeDefinitions,
      ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    }),
  )
  const { Items = [] } = await client.send(new ScanCommand({ TableName: source }))
  for (const Item of Items) await client.send(new PutItemCommand({ TableName: target, Item }))
}
