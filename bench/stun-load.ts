/** A process that sends STUN requests. Its argument is a JSON value, and it prints one: see `measure.ts`. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { STUN_TYPE } from '../shared/wire/stun.ts'
import { encodeBindingRequest } from '../shared/wire/stun-client.ts'
import { type Asker, type Course, measure } from './measure.ts'

export interface StunLoad extends Course {
  readonly host: string
  readonly port: number
  readonly sockets: number
}

const REQUEST = Buffer.from(encodeBindingRequest(new Uint8Array(12), { fingerprint: false }))

/** An asker with a connected socket, which costs the least CPU, so that the load does not cost more than the server. */
class StunAsker implements Asker {
  answers = 0
  readonly #socket = dgram.createSocket('udp4')

  async connect({ host, port }: StunLoad): Promise<void> {
    this.#socket.connect(port, host)
    await once(this.#socket, 'connect')
    this.#socket.setRecvBufferSize(4 << 20)
    this.#socket.on('message', (answer) => this.#onAnswer(answer))
  }

  ask(count: number): void {
    for (let i = 0; i < count; i++) this.#socket.send(REQUEST)
  }

  #onAnswer(answer: Buffer): void {
    if (answer.readUInt16BE(0) !== STUN_TYPE.success) throw new Error(`no answer: ${answer.toString('hex')}`)
    this.answers++
    this.ask(1)
  }
}

const load = JSON.parse(process.argv[2]!) as StunLoad
const askers = Array.from({ length: load.sockets }, () => new StunAsker())
await Promise.all(askers.map((asker) => asker.connect(load)))
console.log(JSON.stringify(await measure(askers, load)))
process.exit(0)
