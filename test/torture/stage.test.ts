/** The parts of the stage fail as they say, and only then. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as listen } from 'node:net'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { Dice } from '../sim/dice.ts'
import { NodeNetwork } from './stage/node-network.ts'
import { TablesProxy } from './stage/tables-proxy.ts'
import { TcpWire } from './stage/wire.ts'

/** A server that answers as DynamoDB does, and counts the requests that reach it. */
let reached = 0
const tables = createServer((asked, answer) => {
  reached++
  asked
    .resume()
    .on('end', () => answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}'))
})
tables.listen(0, '127.0.0.1')
await once(tables, 'listening')
afterAll(() => tables.close())
const proxy = new TablesProxy(`http://127.0.0.1:${(tables.address() as AddressInfo).port}`, new Dice('proxy'))
const client = new DynamoDBClient({
  endpoint: await proxy.open(),
  region: 'local',
  maxAttempts: 1,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
})
afterAll(() => {
  client.destroy()
  proxy.close()
})

const put = () => client.send(new PutItemCommand({ TableName: 'Any', Item: { key: { S: '1' } } }))
const get = () => client.send(new GetItemCommand({ TableName: 'Any', Key: { key: { S: '1' } } }))

test('a proxy without a fault passes requests on', async () => {
  await expect(put()).resolves.toBeDefined()
  await expect(get()).resolves.toBeDefined()
  expect(proxy.failed).toBe(0)
})

test.each([
  ['throttle', 'ProvisionedThroughputExceededException'],
  ['conflict', 'TransactionConflictException'],
  ['error', 'InternalServerError'],
] as const)('a client sees %s as the error of the service, and the request has no effect', async (fault, name) => {
  const before = reached
  proxy.set(fault, 1)
  onTestFinished(() => proxy.end(fault))
  await expect(put()).rejects.toMatchObject({ name })
  expect(reached).toBe(before)
  proxy.end(fault)
  await expect(put()).resolves.toBeDefined()
})

test('only writes conflict', async () => {
  proxy.set('conflict', 1)
  onTestFinished(() => proxy.end('conflict'))
  await expect(get()).resolves.toBeDefined()
})

test('the answer is lost after the request took effect', async () => {
  const before = reached
  proxy.set('lost-answer', 1)
  onTestFinished(() => proxy.end('lost-answer'))
  await expect(put()).rejects.toThrow()
  expect(reached).toBe(before + 1)
})

test('nodes reach each other by public addresses, and not while they are partitioned', async () => {
  const port = 20_000 + (process.pid % 10_000)
  const places = [1, 2].map((n) => ({ private: `127.9.8.${n}`, public: `127.9.8.${100 + n}` }))
  const network = new NodeNetwork(places, [port])
  await network.open()
  onTestFinished(() => network.close())
  const heard: string[] = []
  const sockets = await Promise.all(
    places.map(async (place) => {
      const socket = dgram.createSocket('udp4')
      socket.on('message', (bytes, from) => heard.push(`${bytes} from ${from.address}`))
      socket.bind(port, place.private)
      await once(socket, 'listening')
      onTestFinished(() => void socket.close())
      return socket
    }),
  )
  const send = (text: string) => sockets[0]!.send(text, port, places[1]!.public)
  send('before')
  await expect.poll(() => heard).toEqual(['before from 127.9.8.101'])
  network.part(0, 1)
  network.part(1, 0)
  network.join(0, 1)
  send('during')
  await expect.poll(() => network.dropped).toBe(1)
  network.join(0, 1)
  send('after')
  await expect.poll(() => heard).toEqual(['before from 127.9.8.101', 'after from 127.9.8.101'])
})

test('a wire can be cut and stalled', async () => {
  const echo = listen((socket) => socket.on('error', () => {}).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const target = (echo.address() as AddressInfo).port
  const wire = new TcpWire(new URL(`http://127.0.0.1:${target}`))
  const port = await wire.open('127.0.0.1')
  onTestFinished(() => {
    wire.close()
    echo.close()
  })
  const said: string[] = []
  const open = (to = port) => {
    const socket = connect(to, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('data', (bytes) => said.push(`${bytes}`)).on('error', () => {})
    return socket
  }
  const socket = open()
  socket.write('one')
  await expect.poll(() => said).toEqual(['one'])
  wire.stall()
  socket.write('two')
  open(target).write('beside it')
  await expect.poll(() => said).toEqual(['one', 'beside it'])
  wire.flow()
  await expect.poll(() => said).toEqual(['one', 'beside it', 'two'])
  const closed = once(socket, 'close')
  wire.cut()
  await closed
  const refused = open()
  await once(refused, 'close')
  wire.mend()
  open().write('three')
  await expect.poll(() => said).toEqual(['one', 'beside it', 'two', 'three'])
})
