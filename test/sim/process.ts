/**
 * A protocol machine running on a host: the driver of the simulated world. It follows the contract of shared/core/machine.ts
 * exactly and holds the machine to it. A machine that keeps asking to be woken at a time that has already passed would spin
 * on a real host; here it fails the run.
 */
import type { Machine } from '../../shared/core/machine.ts'
import { addressOf, formatIp } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import type { Dice } from './dice.ts'
import type { Host, Socket } from './host.ts'
import type { Endpoint } from './packet.ts'

/** Maximum delay before a host handles arrived datagrams. More arrive meanwhile, so a batch can hold several. */
const WAKE_MS = 0.3
const SPINS = 8
/** Initial capacity of a batch, in datagrams. There are thousands of processes, and most receive one at a time. */
const FEW = 4

export interface SocketSetting {
  readonly ip?: string
  readonly port?: number
}

export class Process<Input, Effect> {
  readonly host: Host
  readonly machine: Machine<Input, Effect>
  alive = true
  readonly #perform: (effect: Effect) => void
  readonly #dice: Dice
  readonly #sockets: (Socket | undefined)[] = []
  readonly #arrived = new Batch(FEW)
  readonly #out = new Batch(FEW)
  readonly #inputs: Input[] = []
  #busy = false
  #alarmAt = Number.POSITIVE_INFINITY
  #spins = 0

  /** Sockets are numbered in the order of the list. `perform` carries out an effect, and may call `handle`. */
  constructor(
    host: Host,
    machine: Machine<Input, Effect>,
    sockets: readonly SocketSetting[],
    perform: (effect: Effect) => void,
  ) {
    this.host = host
    this.machine = machine
    this.#perform = perform
    this.#dice = host.world.dice.fork(`process/${host.name}/${sockets.map(({ port }) => port).join()}`)
    for (const socket of sockets) this.open(socket)
    this.#settle()
  }

  /** Sockets by number; undefined for closed ones. */
  get sockets(): readonly (Socket | undefined)[] {
    return this.#sockets
  }

  /** Opens another socket and returns its number. */
  open(setting: SocketSetting, number = this.#sockets.length): number {
    this.#sockets[number] = this.host.open((from, bytes) => this.#take(from, bytes, number), setting)
    return number
  }

  close(number: number): void {
    const socket = this.#sockets[number]
    if (socket !== undefined) this.host.close(socket)
    this.#sockets[number] = undefined
  }

  handle(input: Input): void {
    if (!this.alive) return
    this.#inputs.push(input)
    this.#settle()
  }

  /** Stops the process without telling anybody. */
  kill(): void {
    this.alive = false
    for (const number of this.#sockets.keys()) this.close(number)
    this.host.world.event(`a process on ${this.host.name} ends`)
  }

  #setWall(): void {
    if (this.machine.wall !== undefined) this.machine.wall.aheadMs = this.host.wallAheadMs
  }

  #take(from: Endpoint, bytes: Uint8Array, socket: number): void {
    const address = addressOf(from.ip, from.port)
    if (address === undefined) throw new Error(`no address: ${from.ip}`)
    if (this.#arrived.count === 0) this.host.world.after(this.#dice.float() * WAKE_MS, () => this.#receive())
    this.#arrived.push(bytes, address.words, 0, socket)
  }

  #receive(): void {
    if (!this.alive) return
    this.#setWall()
    this.machine.receive(this.#arrived, this.#out, this.host.clock)
    this.#arrived.clear()
    this.#settle()
  }

  /**
   * Sends datagrams, performs effects and handles queued inputs until nothing is left. Inputs that arrive meanwhile are
   * queued.
   */
  #settle(): void {
    if (this.#busy) return
    this.#busy = true
    for (;;) {
      this.#send()
      this.#effects()
      const input = this.#inputs.shift()
      if (input === undefined) break
      this.#setWall()
      this.machine.handle(input, this.#out, this.host.clock)
    }
    this.#busy = false
    this.#wait()
  }

  #send(): void {
    const { address, socket, ttl, count } = this.#out
    for (let i = 0; i < count; i++) {
      const to = { ip: formatIp(address, i * 5), port: address[i * 5 + 4]! }
      const from = this.#sockets[socket[i]!]
      if (from === undefined) throw new Error(`${this.host.name}: the machine sends from socket ${socket[i]}`)
      this.host.send(from, to, this.#out.at(i).slice(), ttl[i]!)
    }
    this.#out.clear()
  }

  #effects(): void {
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll()) {
      this.#perform(effect)
    }
  }

  #wait(): void {
    const deadline = this.machine.deadline()
    if (!this.alive || deadline === Number.POSITIVE_INFINITY) return
    const at = Math.max(Math.ceil(deadline) - this.host.clockOffsetMs, this.host.world.now)
    if (at >= this.#alarmAt) return
    this.#alarmAt = at
    this.host.world.at(at, () => this.#alarm(at))
  }

  #alarm(at: number): void {
    if (!this.alive || at !== this.#alarmAt) return
    this.#alarmAt = Number.POSITIVE_INFINITY
    this.#setWall()
    this.machine.tick(this.#out, this.host.clock)
    this.#guard()
    this.#settle()
  }

  #guard(): void {
    this.#spins = this.machine.deadline() <= this.host.clock ? this.#spins + 1 : 0
    if (this.#spins > SPINS) throw new Error(`${this.host.name}: a machine is due again after each tick`)
  }
}
