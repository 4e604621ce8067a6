import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { GatewaySocket } from '../../../peer/net/port-mapping-socket.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { PORT_MAPPING_PORT } from '../../../shared/wire/port-mapping-pcp.ts'

const HOST = '127.0.0.1'
const open: { close(): unknown }[] = []

afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

async function bound(port = 0): Promise<Socket> {
  const socket = createSocket('udp4')
  open.push(socket)
  socket.bind(port, HOST)
  await once(socket, 'listening')
  return socket
}

test('it knows both ends, asks the gateway, and hears nobody else', async () => {
  const [gateway, stranger] = await Promise.all([bound(PORT_MAPPING_PORT), bound()])
  const heard: string[] = []
  const { promise: answered, resolve } = Promise.withResolvers<void>()
  const socket = await GatewaySocket.open(HOST, (bytes, words) => {
    heard.push(`${Buffer.from(bytes)} from ${formatAddress(words)}`)
    resolve()
  })
  open.push(socket!)
  const { gateway: far, local } = socket!.network
  expect([far, local].map(({ words }) => formatAddress(words))).toEqual(['127.0.0.1:5351', '127.0.0.1:0'])

  const out = new Batch()
  out.push(Buffer.from('question'), far.words)
  const asked = once(gateway, 'message')
  socket!.send(out, 0)
  const [question, { port }] = await asked
  expect(String(question)).toBe('question')

  stranger.send('forged', port, HOST, () => gateway.send('answer', port, HOST))
  await answered
  expect(heard).toEqual(['answer from 127.0.0.1:5351'])
})

test('there is none where the system lets nothing out to the gateway', async () => {
  expect(await GatewaySocket.open('255.255.255.255', () => {})).toBeUndefined()
})
