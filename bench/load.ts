/**
 * The load of a benchmark, in a process of its own: sockets that each keep a window of requests in flight. Told by one JSON value in
 * argv; prints one: answers in the measured time, and the CPU time that the server's process used in it.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { cpuSeconds } from './cpu.ts'

export interface Load {
  readonly host: string
  readonly port: number
  /** Base64. Sent again and again as it is. */
  readonly request: string
  /** The first two bytes that make a datagram an answer. */
  readonly answerType: number
  readonly sockets: number
  readonly window: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** Process of the server. */
  readonly pid: number
}

export interface Measured {
  readonly answers: number
  readonly elapsedMs: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
}

/** A window that got no answer for so long was lost, and is sent again. */
const LOST_MS = 200

class Window {
  answers = 0
  readonly #socket: dgram.Socket
  readonly #request: Buffer
  readonly #answerType: number
  readonly #size: number
  #answersBefore = 0

  constructor(socket: dgram.Socket, { request, answerType, window }: Load) {
    this.#socket = socket
    this.#request = Buffer.from(request, 'base64')
    this.#answerType = answerType
    this.#size = window
    socket.on('error', () => {})
    socket.on('message', (answer) => this.#onAnswer(answer))
    this.#fill()
    setInterval(() => this.#refill(), LOST_MS).unref()
  }

  #onAnswer(answer: Buffer): void {
    if (answer.readUInt16BE(0) !== this.#answerType) throw new Error(`no answer: ${answer.toString('hex')}`)
    this.answers++
    this.#socket.send(this.#request)
  }

  #refill(): void {
    if (this.answers === this.#answersBefore) this.#fill()
    this.#answersBefore = this.answers
  }

  #fill(): void {
    for (let i = 0; i < this.#size; i++) this.#socket.send(this.#request)
  }
}

async function open(load: Load): Promise<Window> {
  const socket = dgram.createSocket('udp4')
  socket.connect(load.port, load.host)
  await once(socket, 'connect')
  socket.setRecvBufferSize(4 << 20)
  return new Window(socket, load)
}

async function measure(load: Load): Promise<Measured> {
  const windows = await Promise.all(Array.from({ length: load.sockets }, () => open(load)))
  const answers = () => windows.reduce((sum, window) => sum + window.answers, 0)
  const now = () => ({
    answers: answers(),
    at: performance.now(),
    cpu: cpuSeconds(load.pid),
    own: cpuSeconds(process.pid),
  })
  await pause(load.warmUpMs)
  const before = now()
  await pause(load.measureMs)
  const after = now()
  return {
    answers: after.answers - before.answers,
    elapsedMs: after.at - before.at,
    serverCpuSeconds: after.cpu - before.cpu,
    loadCpuSeconds: after.own - before.own,
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as Load)))
process.exit(0)
