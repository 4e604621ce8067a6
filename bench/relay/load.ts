/** A process that sends datagrams through a relay, from one end to the other. Its argument is a JSON value; it prints one. */
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { type Asker, type Course, type Measured, measure } from '../measure.ts'
import { announce, bindChannel, bindLegs, type Way } from './legs.ts'
import { LoadSocket } from './socket.ts'

const ENTER = { ours: bindLegs, coturn: bindChannel, loop: announce } as const

export interface RelayLoad extends Course {
  readonly relay: string
  readonly kind: keyof typeof ENTER
  /** Length of a datagram as it arrives. */
  readonly bytes: number
  /** Datagrams sent per second. Default: as many as possible, with `window` of them in flight. */
  readonly perSecond?: number
}

export interface RelayMeasured extends Measured {
  readonly sent: number
  /** Delay of a datagram, from the call that sends it to the call that receives it. */
  readonly delayMs: { readonly p50: number; readonly p99: number }
}

const BATCH = 64
const STAMP_BYTES = 8
/** Interval at which steady load is sent. */
const PACE_MS = 1

class Through implements Asker {
  answers = 0
  sent = 0
  /** An asker for steady load: it counts datagrams that arrive, and sends none. */
  readonly paced: Asker
  readonly delays: number[] = []
  readonly #load: RelayLoad
  readonly #sender: LoadSocket
  readonly #out = new Batch(BATCH)
  readonly #view: Buffer
  readonly #headerBytes: number
  #isMeasuring = false

  constructor(load: RelayLoad, way: Way, [sender, receiver]: readonly LoadSocket[]) {
    this.#load = load
    this.#sender = sender!
    const header = way.header(load.bytes)
    this.#headerBytes = header.length
    const datagram = Buffer.concat([header, Buffer.alloc(load.bytes, 0x5a)])
    for (let i = 0; i < BATCH; i++) this.#out.push(datagram, way.to)
    this.#view = Buffer.from(this.#out.bytes.buffer)
    receiver!.take = (batch) => this.#arrived(batch)
    const answers = () => this.answers
    this.paced = {
      get answers() {
        return answers()
      },
      ask() {},
    }
  }

  begin(): void {
    this.#isMeasuring = true
    this.sent = 0
  }

  ask(count: number): void {
    const now = performance.now()
    for (let left = count; left > 0; left -= BATCH) {
      const some = Math.min(left, BATCH)
      for (let i = 0; i < some; i++) this.#view.writeDoubleBE(now, this.#out.start(i) + this.#headerBytes)
      this.#sender.send(this.#out, some)
      this.sent += some
    }
  }

  #arrived(batch: Batch): void {
    const now = performance.now()
    const view = Buffer.from(batch.bytes.buffer)
    let good = 0
    for (let i = 0; i < batch.count; i++) {
      if (batch.length[i] !== this.#load.bytes) continue
      good++
      if (this.#isMeasuring && i === 0) this.delays.push(now - view.readDoubleBE(batch.start(i)))
    }
    this.answers += good
    if (this.#load.perSecond === undefined) this.ask(good)
  }
}

function pace(through: Through, perSecond: number): void {
  const start = performance.now()
  let sent = 0
  setInterval(() => {
    const due = Math.floor(((performance.now() - start) * perSecond) / 1000)
    through.ask(due - sent)
    sent = due
  }, PACE_MS)
}

const load = JSON.parse(process.argv[2]!) as RelayLoad
if (load.bytes < STAMP_BYTES) throw new Error(`a datagram has at least ${STAMP_BYTES} bytes`)
const ends = [await LoadSocket.open(), await LoadSocket.open()]
const way = await ENTER[load.kind](parseAddress(load.relay)!, ends)
const through = new Through(load, way, ends)
if (load.perSecond !== undefined) pace(through, load.perSecond)
setTimeout(() => through.begin(), load.warmUpMs)
const asker = load.perSecond === undefined ? through : through.paced
const measured = await measure([asker], load)
const { sent } = through
const delays = through.delays.sort((a, b) => a - b)
const at = (share: number) => delays[Math.floor(delays.length * share)] ?? 0
console.log(JSON.stringify({ ...measured, sent, delayMs: { p50: at(0.5), p99: at(0.99) } }))
process.exit(0)
