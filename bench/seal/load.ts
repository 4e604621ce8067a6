/**
 * A process with writers and readers that send sealed messages and messages in clear in turns, one at a time. Its argument is
 * a JSON value, and it prints one.
 */
import { MessageSeals } from '../../shared/core/peer/message-seals.ts'
import { decodeSealedBody, encodeSealedBody, IDENTITY_KEY } from '../../shared/wire/messages.ts'
import { type At, openOurs } from '../messages/ours.ts'

export interface SealLoad {
  readonly node: At
  readonly lines: number
  /** Messages of each line, of each kind. */
  readonly messages: number
  /** Time from a peer to the node, in milliseconds. */
  readonly wayMs: number
}

export interface SealMeasured {
  /** Median time from a message to its acknowledgement. */
  readonly sealedMs: number
  readonly clearMs: number
  readonly ratio: number
  /** CPU time of both peers that sealing and opening a message takes, whatever else the machine does. */
  readonly sealingCpuMs: number
}

const BYTES = 200
/** Bytes that a Noise message adds: a key of 32 and a tag of 16. A message without a seal gets them too, so both have one length. */
const PADDING = 48

const load = JSON.parse(process.argv[2]!) as SealLoad
let isClear = false
sendInClear()
const lines = await openOurs([load.node], load.lines, load.wayMs)
const body = Buffer.alloc(BYTES, 7)
for (const line of lines) await line.ask(body)
const times = { sealed: [] as number[], clear: [] as number[] }
const cpuMs = { sealed: 0, clear: 0 }
for (let n = 0; n < load.messages; n++)
  for (const line of lines)
    for (const kind of n % 2 === 0 ? (['sealed', 'clear'] as const) : (['clear', 'sealed'] as const)) {
      isClear = kind === 'clear'
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      await line.ask(body)
      times[kind].push(performance.now() - began)
      const { user, system } = process.cpuUsage(cpu)
      cpuMs[kind] += (user + system) / 1000
    }
const [sealedMs, clearMs] = [median(times.sealed), median(times.clear)]
const sealingCpuMs = (cpuMs.sealed - cpuMs.clear) / times.sealed.length
const measured: SealMeasured = { sealedMs, clearMs, ratio: sealedMs / clearMs, sealingCpuMs }
console.log(JSON.stringify(measured))
process.exit(0)

/** Replaces sealing and opening by copying while `isClear`: what was done before messages were sealed. */
function sendInClear(): void {
  const { seal, open } = MessageSeals.prototype
  MessageSeals.prototype.seal = function (message, now, nodeNow) {
    if (!isClear) return seal.call(this, message, now, nodeNow)
    const sealed = new Uint8Array(message.body.length + PADDING)
    sealed.set(message.body)
    return { key: IDENTITY_KEY, body: encodeSealedBody({ key: IDENTITY_KEY, sealed }) }
  }
  MessageSeals.prototype.open = function (message) {
    if (!isClear) return open.call(this, message)
    return { body: decodeSealedBody(message.body)!.sealed.slice(0, -PADDING) }
  }
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!
}
