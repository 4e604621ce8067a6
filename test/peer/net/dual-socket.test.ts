import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { DualSocket } from '../../../peer/net/dual-socket.ts'
import { hostIps } from '../../../peer/net/host-addresses.ts'
import { ownAddresses } from '../../../shared/core/peer/candidates.ts'
import { addressOf, formatAddress, formatIp } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'

interface Heard {
  readonly text: string
  readonly from: string
}

function opened() {
  const heard: Heard[] = []
  const socket = new DualSocket((bytes, words) =>
    heard.push({ text: Buffer.from(bytes).toString(), from: formatAddress(words) }),
  )
  onTestFinished(() => socket.close())
  return { socket, heard }
}

function send(from: DualSocket, text: string, ip: string, port: number): void {
  const batch = new Batch(1)
  batch.push(Buffer.from(text), addressOf(ip, port)!.words)
  from.send(batch, 0)
  batch.bytes.fill(0)
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

test('a port is heard over IPv4 and over IPv6, each from where it was sent', async () => {
  const [a, b] = [opened(), opened()]
  send(a.socket, 'four', '127.0.0.1', b.socket.ports.four!)
  const expected = [{ text: 'four', from: `127.0.0.1:${a.socket.ports.four}` }]
  if (hasIpv6) {
    send(a.socket, 'six', '::1', b.socket.ports.six!)
    expected.push({ text: 'six', from: `[::1]:${a.socket.ports.six}` })
  }
  await expect.poll(() => b.heard).toHaveLength(expected.length)
  expect(b.heard.sort((x, y) => x.text.localeCompare(y.text))).toEqual(expected)
})

test('a packet that opens the NAT is one byte, whatever its TTL', async () => {
  const [a, b] = [opened(), opened()]
  a.socket.open(addressOf('127.0.0.1', b.socket.ports.four!)!, 1)
  a.socket.open(addressOf('127.0.0.1', b.socket.ports.four!)!, 0)
  const from = `127.0.0.1:${a.socket.ports.four}`
  await expect.poll(() => b.heard).toEqual([1, 2].map(() => ({ text: '\0', from })))
})

test('what cannot be sent is lost, and the socket goes on', async () => {
  const [a, b] = [opened(), opened()]
  send(a.socket, 'no port', '127.0.0.1', 0)
  send(a.socket, 'nowhere', '203.0.113.1', 9)
  send(a.socket, 'here', '127.0.0.1', b.socket.ports.four!)
  await expect.poll(() => b.heard.map(({ text }) => text)).toEqual(['here'])
})

test('others are told the addresses of this machine that they may reach, with the port of their family', () => {
  const given = ownAddresses(hostIps(), { four: 4000, six: 6000 })
  for (const { words } of given) {
    const ip = formatIp(words)
    expect(words[4]).toBe(ip.includes(':') ? 6000 : 4000)
    expect(ip).not.toMatch(/^(127\.|169\.254\.|::1$|fe80)/)
  }
  expect(ownAddresses(hostIps(), { four: undefined, six: undefined })).toEqual([])
})
