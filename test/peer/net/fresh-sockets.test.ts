import { createSocket } from 'node:dgram'
import { expect, test } from 'vitest'
import { FreshSockets } from '../../../peer/net/fresh-sockets.ts'

test('each has a port of its own, tells by which one a datagram came, and stays until it is closed', async () => {
  const arrived = Promise.withResolvers<{ text: string; socket: number }>()
  const fresh = new FreshSockets((bytes, _from, socket) =>
    arrived.resolve({ text: Buffer.from(bytes).toString(), socket }),
  )
  const ports = fresh.open(3)
  expect(new Set(ports).size).toBe(3)
  const sender = createSocket('udp4')
  sender.send('hello', ports[1]!, '127.0.0.1')
  expect(await arrived.promise).toEqual({ text: 'hello', socket: 2 })
  sender.close()
  fresh.closeAllBut([2])
  expect([1, 2, 3].map((number) => fresh.at(number) !== undefined)).toEqual([false, true, false])
  const again = fresh.open(2)
  expect(again[1]).toBe(ports[1])
  fresh.closeAllBut([])
})
