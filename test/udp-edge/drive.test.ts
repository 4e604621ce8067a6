import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import type { Machine } from '../../shared/core/machine.ts'
import { ADDRESS_WORDS, addressOf, formatIp } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import { type Driver, drive } from '../../udp-edge/drive.ts'
import type { Bind } from '../../udp-edge/socket.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }
const opened: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

/** Echoes every datagram on the socket that it came by, and follows its inputs. */
class Echo implements Machine<string, string> {
  readonly sizes: number[] = []
  readonly inputs: string[] = []
  readonly effects: string[] = []
  dueAt = Number.POSITIVE_INFINITY
  ticks = 0

  receive(arrived: Batch, out: Batch): void {
    this.sizes.push(arrived.count)
    for (let i = 0; i < arrived.count; i++) {
      if (arrived.at(i)[0] === 0) throw new Error('a bug')
      out.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, arrived.socket[i])
    }
  }

  handle(input: string): void {
    this.inputs.push(input)
    if (input.startsWith('do ')) this.effects.push(input.slice(3))
  }

  tick(_out: Batch, now: number): void {
    if (now < this.dueAt) return
    this.ticks++
    this.dueAt = Number.POSITIVE_INFINITY
  }

  deadline(): number {
    return this.dueAt
  }

  poll(): string | undefined {
    return this.effects.shift()
  }
}

async function driven<I, E>(
  machine: Machine<I, E>,
  options: Parameters<typeof drive<I, E>>[1],
): Promise<Driver<I>> {
  const driver = await drive(machine, options)
  opened.push(driver)
  return driver
}

async function client(type: 'udp4' | 'udp6' = 'udp4'): Promise<dgram.Socket> {
  const socket = dgram.createSocket(type)
  socket.bind(0, type === 'udp4' ? '127.0.0.1' : '::1')
  await once(socket, 'listening')
  // The answers to a burst arrive faster than this process reads them.
  socket.setRecvBufferSize(1 << 20)
  opened.push(socket)
  return socket
}

const portOf = (driver: Driver<never>, socket = 0): number => driver.addresses[socket]![0]!.words[4]!

async function receive(socket: dgram.Socket, count: number): Promise<[Buffer, dgram.RemoteInfo][]> {
  const got: [Buffer, dgram.RemoteInfo][] = []
  while (got.length < count) got.push((await once(socket, 'message')) as [Buffer, dgram.RemoteInfo])
  return got
}

test('a datagram is answered by the socket it came by', async () => {
  const driver = await driven(new Echo(), { sockets: [LOOPBACK, LOOPBACK] })
  const socket = await client()
  for (const index of [1, 0]) {
    socket.send('hello', portOf(driver, index), '127.0.0.1')
    const [[bytes, source]] = (await receive(socket, 1)) as [[Buffer, dgram.RemoteInfo]]
    expect([bytes.toString(), source.port]).toEqual(['hello', portOf(driver, index)])
  }
  expect(driver.counters()).toEqual({ received: 2, sent: 2, dropped: 0, errors: 0, overrun: 0, faults: 0 })
})

test('a burst reaches the machine in few batches of at most 64, in order', async () => {
  const machine = new Echo()
  const driver = await driven(machine, { sockets: [LOOPBACK] })
  const socket = await client()
  const answers = receive(socket, 300)
  for (let i = 0; i < 300; i++) socket.send(Buffer.from([1 + (i >> 8), i & 255]), portOf(driver), '127.0.0.1')
  const numbers = (await answers).map(([bytes]) => ((bytes[0]! - 1) << 8) | bytes[1]!)
  expect(numbers).toEqual([...Array(300).keys()])
  expect(Math.max(...machine.sizes)).toBeLessThanOrEqual(64)
  expect(machine.sizes.length).toBeLessThan(150)
})

test('one socket on :: serves both families, with IPv4 as IPv4', async () => {
  const driver = await driven(new Echo(), { sockets: [{ host: '::', port: 0 }] })
  expect(driver.addresses[0]!.map(({ words }) => formatIp(words))).toEqual(['0.0.0.0', '::'])
  for (const [type, host] of [
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const) {
    const socket = await client(type)
    socket.send('x', portOf(driver), host)
    const [[, source]] = (await receive(socket, 1)) as [[Buffer, dgram.RemoteInfo]]
    expect(source.address).toBe(host)
  }
})

test('an exception of a machine is logged and counted, and the loop goes on', async () => {
  const logged: string[] = []
  const driver = await driven(new Echo(), {
    sockets: [LOOPBACK],
    log: (what, error) => logged.push(`${what}: ${(error as Error).message}`),
  })
  const socket = await client()
  socket.send(Buffer.from([0]), portOf(driver), '127.0.0.1')
  socket.send(Buffer.from([0]), portOf(driver), '127.0.0.1')
  await expect.poll(() => driver.counters().received).toBe(2)
  socket.send('alive', portOf(driver), '127.0.0.1')
  const [[bytes]] = (await receive(socket, 1)) as [[Buffer, dgram.RemoteInfo]]
  expect(bytes.toString()).toBe('alive')
  expect(new Set(logged)).toEqual(new Set(['a machine threw at a datagram: a bug']))
  expect(driver.counters().faults).toBe(logged.length)
})

test('a machine that throws whenever its time has come does not keep the process busy', async () => {
  const machine = new Echo()
  machine.tick = () => {
    throw new Error('a bug')
  }
  machine.dueAt = 0
  const driver = await driven(machine, { sockets: [LOOPBACK], log: () => {} })
  const socket = await client()
  for (let i = 0; i < 20; i++) {
    socket.send('x', portOf(driver), '127.0.0.1')
    await receive(socket, 1)
  }
  expect(driver.counters()).toMatchObject({ faults: 1, sent: 20 })
})

test('what an effect resolves to comes back as an input, and its failure is counted', async () => {
  const machine = new Echo()
  const driver = await driven(machine, {
    sockets: [LOOPBACK],
    perform: async (effect) =>
      effect === 'fail' ? Promise.reject(new Error('no')) : effect === 'silent' ? undefined : `did ${effect}`,
    log: () => {},
  })
  for (const input of ['do this', 'do silent', 'do fail']) driver.handle(input)
  await expect.poll(() => [machine.inputs.at(-1), driver.counters().faults]).toEqual(['did this', 1])
  expect(machine.inputs).toEqual(['do this', 'do silent', 'do fail', 'did this'])
})

test('an input given while the machine is at work waits until it is done', async () => {
  const machine = new Echo()
  const order: string[] = []
  const driver: Driver<string> = await driven<string, string>(machine, {
    sockets: [],
    perform: (effect) => {
      driver.handle(`from ${effect}`)
      order.push(`performed ${effect}`, `inputs ${machine.inputs.length}`)
    },
  })
  driver.handle('do a')
  expect(order).toEqual(['performed a', 'inputs 1'])
  expect(machine.inputs).toEqual(['do a', 'from a'])
})

test('the machine is called when its deadline has come, and once', async () => {
  const machine = new Echo()
  machine.dueAt = Date.now() + 30
  await driven(machine, { sockets: [] })
  await expect.poll(() => machine.ticks).toBe(1)
  expect(machine.dueAt).toBe(Number.POSITIVE_INFINITY)
})

test('a deadline farther away than a timer can wait does not fire at once', async () => {
  const machine = new Echo()
  const dueAt = Date.now() + 2 ** 40
  machine.dueAt = dueAt
  const driver = await driven(machine, { sockets: [LOOPBACK] })
  const socket = await client()
  socket.send('x', portOf(driver), '127.0.0.1')
  await receive(socket, 1)
  expect([machine.ticks, machine.dueAt]).toEqual([0, dueAt])
})

test('a datagram that cannot be sent is counted, and those behind it leave', async () => {
  const socket = await client()
  const target = addressOf('127.0.0.1', socket.address().port)!
  const impossible = [addressOf('127.0.0.1', 0)!, addressOf('::1', 9)!, addressOf('255.255.255.255', 9)!]
  const machine = new Echo()
  machine.handle = (_input: string, out?: Batch) => {
    for (const to of [...impossible, target]) out!.push(Buffer.from('x'), to.words)
  }
  const driver = await driven(machine, { sockets: [LOOPBACK] })
  driver.handle('go')
  await receive(socket, 1)
  expect(driver.counters().dropped).toBe(2)
})

test('a socket survives a destination where nobody listens', async () => {
  const gone = await client()
  const words = addressOf('127.0.0.1', gone.address().port)!.words
  opened.splice(opened.indexOf(gone), 1)
  gone.close()
  await once(gone, 'close')
  const machine = new Echo()
  machine.handle = (_input: string, out?: Batch) => out!.push(Buffer.from('x'), words)
  const driver = await driven(machine, { sockets: [LOOPBACK] })
  for (let i = 0; i < 3; i++) driver.handle('go')
  const socket = await client()
  socket.send('alive', portOf(driver), '127.0.0.1')
  expect((await receive(socket, 1))[0]![0].toString()).toBe('alive')
})

test('a bound port, a host name and no address are refused as unavailable, and nothing stays open', async () => {
  const taken = await client()
  const port = taken.address().port
  for (const host of ['127.0.0.1', '0.0.0.0', 'localhost', '192.0.2.1']) {
    const failed = drive(new Echo(), { sockets: [LOOPBACK, { host, port }] })
    await expect(failed).rejects.toMatchObject({ code: 'unavailable' })
  }
})

test('after close nothing is performed any more', async () => {
  const machine = new Echo()
  const driver = await drive(machine, { sockets: [LOOPBACK] })
  await driver.close()
  await driver.close()
  driver.handle('too late')
  expect(machine.inputs).toEqual([])
})

/** A network in memory. It records what is sent, and keeps the batches if told to. */
function memoryNetwork(holds: boolean) {
  const sent: { socket: number; from: number; to: number; batch: Batch }[] = []
  const bind: Bind = async (_endpoint, { socket }) => ({
    addresses: [],
    counters: { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0 },
    send: (batch, from, to) => {
      sent.push({ socket, from, to, batch })
      return holds
    },
    close: async () => {},
  })
  return { sent, bind }
}

function sender(sockets: readonly number[]): Echo {
  const machine = new Echo()
  const { words } = addressOf('192.0.2.1', 9)!
  machine.handle = (_input: string, out?: Batch) => {
    for (const socket of sockets) out!.push(Uint8Array.of(socket), words, 0, socket)
  }
  return machine
}

test('datagrams that leave by one socket are handed to it together, in order', async () => {
  const { sent, bind } = memoryNetwork(false)
  const driver = await driven(sender([0, 0, 1, 0]), { sockets: [LOOPBACK, LOOPBACK], bind })
  driver.handle('go')
  expect(sent.map(({ socket, from, to }) => [socket, from, to])).toEqual([
    [0, 0, 2],
    [1, 2, 3],
    [0, 3, 4],
  ])
})

test('a batch that a socket still needs is not written again; one that it does not is', async () => {
  for (const holds of [true, false]) {
    const { sent, bind } = memoryNetwork(holds)
    const driver = await driven(sender([0]), { sockets: [LOOPBACK], bind })
    driver.handle('go')
    driver.handle('go')
    expect(sent[0]!.batch !== sent[1]!.batch).toBe(holds)
  }
})

/** Prints the remaining TTL of each received datagram, as reported by the kernel. */
const TTL_RECEIVER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL of Linux
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
seen = []
while len(seen) < 200:
    data, control, _, _ = s.recvmsg(64, 64)
    seen.append('%d=%d' % (data[0], int.from_bytes(control[0][2], 'little')))
print(' '.join(seen), flush=True)
`
const canSeeHops = process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0

test.skipIf(!canSeeHops && process.env.CI === undefined)(
  'each datagram travels with its own hops (needs Linux and python3, to read them)',
  async () => {
    const receiver = spawn('python3', ['-c', TTL_RECEIVER], { stdio: ['ignore', 'pipe', 'inherit'] })
    opened.push({ close: () => receiver.kill() })
    const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]()
    const { words } = addressOf('127.0.0.1', Number(String((await lines.next()).value)))!
    const hops = (i: number) => (i % 3 === 0 ? 0 : 2 + (i % 5))
    const machine = new Echo()
    machine.handle = (_input: string, out?: Batch) => {
      for (let i = 0; i < 200; i++) out!.push(Uint8Array.of(i), words, 0, 0, hops(i))
    }
    const driver = await driven(machine, { sockets: [LOOPBACK] })
    driver.handle('go')
    const seen = String((await lines.next()).value)
      .trim()
      .split(' ')
    expect(seen).toEqual([...Array(200).keys()].map((i) => `${i}=${hops(i) === 0 ? 64 : hops(i)}`))
  },
)
