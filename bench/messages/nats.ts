/** Request and reply over NATS core, in its text protocol: the least that a client can do, and therefore the fastest. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Line } from './line.ts'

const CRLF = '\r\n'

/** Opens lines: the writer at the first server, the reader at the last. */
export async function openNats(ports: readonly number[], count: number): Promise<readonly Line[]> {
  return await Promise.all(Array.from({ length: count }, (_, i) => open(ports, `line.${i}`)))
}

async function open(ports: readonly number[], subject: string): Promise<Line> {
  const [writer, reader] = await Promise.all([NatsClient.open(ports[0]!), NatsClient.open(ports.at(-1)!)])
  const waiting: (() => void)[] = []
  let received = 0
  reader.subscribe(subject, (body, reply) => {
    received += body.length
    reader.publish(reply, new Uint8Array(0))
  })
  writer.subscribe(`${subject}.reply`, () => waiting.shift()?.())
  await Promise.all([writer.flush(), reader.flush()])
  return {
    ask: (body) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        writer.publish(subject, body, `${subject}.reply`)
      }),
    received: () => received,
  }
}

type OnMessage = (body: Buffer, reply: string) => void

class NatsClient {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #onMessage: OnMessage = () => {}
  #pong: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay().on('data', (bytes) => this.#read(bytes))
    socket.write(`CONNECT {"verbose":false,"pedantic":false,"lang":"node","version":"1","protocol":1}${CRLF}`)
  }

  static async open(port: number): Promise<NatsClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new NatsClient(socket)
  }

  subscribe(subject: string, onMessage: OnMessage): void {
    this.#onMessage = onMessage
    this.#socket.write(`SUB ${subject} 1${CRLF}`)
  }

  publish(subject: string, body: Uint8Array, reply = ''): void {
    const head = Buffer.from(`PUB ${subject}${reply && ` ${reply}`} ${body.length}${CRLF}`)
    this.#socket.write(Buffer.concat([head, body, Buffer.from(CRLF)]))
  }

  /** Resolves when the server has handled everything sent before. */
  async flush(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#pong = resolve
      this.#socket.write(`PING${CRLF}`)
    })
  }

  #read(bytes: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    for (let end = this.#rest.indexOf(CRLF); end >= 0; end = this.#rest.indexOf(CRLF)) {
      const words = this.#rest.toString('latin1', 0, end).split(' ')
      const from = end + CRLF.length
      const length = words[0] === 'MSG' ? Number(words.at(-1)) + CRLF.length : 0
      if (this.#rest.length < from + length) return
      if (words[0] === 'MSG')
        this.#onMessage(this.#rest.subarray(from, from + length - CRLF.length), words[3] ?? '')
      if (words[0] === 'PONG') this.#pong()
      if (words[0] === 'PING') this.#socket.write(`PONG${CRLF}`)
      this.#rest = this.#rest.subarray(from + length)
    }
  }
}
