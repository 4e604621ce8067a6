/** Messages of QoS 1 over MQTT 3.1.1, each answered by another: the least that a client can do, and therefore the fastest. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Line } from './line.ts'

const PACKET = {
  CONNECT: 0x10,
  CONNACK: 2,
  PUBLISH: 3,
  PUBLISH_QOS1: 0x32,
  PUBACK: 0x40,
  SUBSCRIBE: 0x82,
  SUBACK: 9,
} as const
const QOS1 = 1

export async function openMqtt([port]: readonly number[], count: number): Promise<readonly Line[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => open(port!, i)))
}

async function open(port: number, i: number): Promise<Line> {
  const clients = await Promise.all([
    MqttClient.open(port, `writer${i}`),
    MqttClient.open(port, `reader${i}`),
  ])
  const [writer, reader] = clients as [MqttClient, MqttClient]
  const waiting: (() => void)[] = []
  let received = 0
  await reader.subscribe(`line/${i}`, (body) => {
    received += body.length
    reader.publish(`reply/${i}`, Buffer.alloc(0))
  })
  await writer.subscribe(`reply/${i}`, () => waiting.shift()?.())
  return {
    ask: (body) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        writer.publish(`line/${i}`, body)
      }),
    received: () => received,
  }
}

class MqttClient {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #onMessage: (body: Buffer) => void = () => {}
  #said: (kind: number) => void = () => {}
  #id = 0

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay().on('data', (bytes) => this.#read(bytes))
  }

  static async open(port: number, name: string): Promise<MqttClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new MqttClient(socket)
    const accepted = client.#next(PACKET.CONNACK)
    client.#send(PACKET.CONNECT, Buffer.concat([text('MQTT'), Buffer.from([4, 2, 0, 0]), text(name)]))
    await accepted
    return client
  }

  async subscribe(topic: string, onMessage: (body: Buffer) => void): Promise<void> {
    this.#onMessage = onMessage
    const subscribed = this.#next(PACKET.SUBACK)
    this.#send(PACKET.SUBSCRIBE, Buffer.concat([this.#nextId(), text(topic), Buffer.from([QOS1])]))
    await subscribed
  }

  publish(topic: string, body: Uint8Array): void {
    this.#send(PACKET.PUBLISH_QOS1, Buffer.concat([text(topic), this.#nextId(), body]))
  }

  async #next(kind: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#said = (said) => {
        if (said === kind) resolve()
      }
    })
  }

  #nextId(): Buffer {
    this.#id = (this.#id % 65_535) + 1
    return Buffer.from([this.#id >>> 8, this.#id & 255])
  }

  #send(head: number, body: Uint8Array): void {
    const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >>> 7]
    this.#socket.write(Buffer.concat([Buffer.from([head, ...length]), body]))
  }

  #read(bytes: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    while (this.#rest.length >= 2) {
      const isLong = this.#rest[1]! >= 128
      const from = isLong ? 3 : 2
      if (this.#rest.length < from) return
      const length = isLong ? (this.#rest[1]! & 127) + (this.#rest[2]! << 7) : this.#rest[1]!
      if (this.#rest.length < from + length) return
      this.#packet(this.#rest[0]! >>> 4, this.#rest.subarray(from, from + length))
      this.#rest = this.#rest.subarray(from + length)
    }
  }

  #packet(kind: number, body: Buffer): void {
    this.#said(kind)
    if (kind !== PACKET.PUBLISH) return
    const id = 2 + body.readUInt16BE()
    this.#send(PACKET.PUBACK, body.subarray(id, id + 2))
    this.#onMessage(body.subarray(id + 2))
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >>> 8, bytes.length & 255]), bytes])
}
