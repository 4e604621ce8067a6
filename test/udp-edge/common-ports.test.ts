import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { ADDRESS_WORDS, formatAddress, PORT_WORD } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { bindDgram, bindUdp } from '../../udp-edge/bind.ts'
import { CommonPorts } from '../../udp-edge/common-ports.ts'
import { bindBeside } from '../../udp-edge/port-socket.ts'
import type { DatagramSocket } from '../../udp-edge/socket.ts'

const HOST = '127.0.0.1'
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const it of open.splice(0)) await it.close()
})

/** A service that answers each datagram with its name. */
async function service(common: CommonPorts, name: 'checkpoint' | 'stun' | 'relay'): Promise<DatagramSocket> {
  const batch = new Batch()
  const arrived = () => {
    const out = new Batch()
    for (let i = 0; i < batch.count; i++)
      out.push(Buffer.from(name), batch.address, i * ADDRESS_WORDS, batch.socket[i])
    batch.clear()
    socket.send(out, 0, out.count)
  }
  const socket: DatagramSocket = await common.bindFor(name)(common.endpoints[0]!, {
    batch,
    socket: 1,
    arrived,
  })
  open.push(socket)
  return socket
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((closed) => socket.close(closed))
  return port
}

async function ask(port: number, hex: string): Promise<string> {
  const socket = createSocket('udp4')
  socket.send(Buffer.from(hex, 'hex'), port, HOST)
  const [answer, from] = await once(socket, 'message')
  socket.close()
  expect(from.port).toBe(port)
  return String(answer)
}

test.each([
  ['the addon', bindUdp],
  ['dgram', bindDgram],
])('each service gets its own datagrams at a shared port and answers through it, with %s', async (_, bind) => {
  const port = await freePort()
  const common = await CommonPorts.open({ host: HOST, ports: [port], bind, log: expect.unreachable })
  const sockets = [
    await service(common, 'checkpoint'),
    await service(common, 'stun'),
    await service(common, 'relay'),
  ]
  expect(await ask(port, '510100000000')).toBe('checkpoint')
  expect(await ask(port, '000100002112a442')).toBe('stun')
  expect(await ask(port, '60000000')).toBe('relay')
  const { received, sent } = sockets[0]!.counters
  expect({ received, sent }).toEqual({ received: 3, sent: 3 })
  expect(sockets[1]!.counters.received).toBe(0)
  expect(sockets[0]!.addresses[0]!.words[PORT_WORD]).toBe(port)
})

test('one port has an address of each family, where a node has an IPv6 address of its own', async () => {
  const inbox = { batch: new Batch(), socket: 0, arrived: () => {} }
  const socket = await bindBeside(bindUdp, '::1')({ host: HOST, port: 0 }, inbox)
  open.push(socket)
  const [four, six] = socket.addresses.map(({ words }) => formatAddress(words))
  expect(six).toBe(four!.replace('127.0.0.1', '[::1]'))
})

test('a port that another program uses is left out, and the log says which', async () => {
  const other = createSocket('udp4')
  other.bind(0, HOST)
  await once(other, 'listening')
  open.push({ close: () => new Promise<void>((closed) => other.close(closed)) })
  const said: string[] = []
  const { port } = other.address()
  const common = await CommonPorts.open({
    host: HOST,
    ports: [port],
    bind: bindUdp,
    log: (what) => said.push(what),
  })
  expect(common.endpoints).toEqual([])
  expect(said).toEqual([`UDP port ${port} is not served`])
})

test('a port closes with its last service, and immediately if no service uses it', async () => {
  const port = await freePort()
  const options = { host: HOST, ports: [port], bind: bindUdp, log: expect.unreachable }
  const common = await CommonPorts.open(options)
  const sockets = [await service(common, 'checkpoint'), await service(common, 'relay')]
  await common.closeUnused()
  await sockets[0]!.close()
  expect(await ask(port, '60000000')).toBe('relay')
  await sockets[1]!.close()
  await (await CommonPorts.open(options)).closeUnused()
  expect((await CommonPorts.open(options)).endpoints).toHaveLength(1)
})
