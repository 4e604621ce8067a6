/** A UDP socket of the load. It uses batches, so that the load costs less CPU than the relay under test. */
import { Batch } from '../../shared/wire/batch.ts'
import { bindUdp } from '../../udp-edge/bind.ts'
import type { DatagramSocket } from '../../udp-edge/socket.ts'

export class LoadSocket {
  readonly batch = new Batch()
  /** Called with the datagrams that arrived. The batch is cleared afterwards. */
  take: (batch: Batch) => void = () => {}
  #socket: DatagramSocket | undefined

  static async open(): Promise<LoadSocket> {
    const own = new LoadSocket()
    const arrived = () => {
      own.take(own.batch)
      own.batch.clear()
    }
    own.#socket = await bindUdp({ host: '127.0.0.1', port: 0 }, { batch: own.batch, socket: 0, arrived })
    return own
  }

  get words(): Uint32Array {
    return this.#socket!.addresses[0]!.words
  }

  send(batch: Batch, count = batch.count): void {
    this.#socket!.send(batch, 0, count)
  }

  sendOne(bytes: Uint8Array, to: Uint32Array): void {
    const one = new Batch(1)
    one.push(bytes, to)
    this.send(one)
  }

  /** Sends a request, and repeats it until `read` accepts a response. */
  async ask<T>(bytes: Uint8Array, to: Uint32Array, read: (answer: Uint8Array) => T | undefined): Promise<T> {
    return new Promise((answered) => {
      const repeat = setInterval(() => this.sendOne(bytes, to), 100)
      this.take = (batch) => {
        for (let i = 0; i < batch.count; i++) {
          const value = read(batch.at(i))
          if (value === undefined) continue
          clearInterval(repeat)
          answered(value)
        }
      }
      this.sendOne(bytes, to)
    })
  }
}
