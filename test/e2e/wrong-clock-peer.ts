/**
 * A peer on a device whose wall clock is wrong.
 *
 *   wrong-clock-peer.ts INDEX INVITE SHIFT_MS    prints {"peer"}; then {"message"} for each that comes, and for each line
 *                                                {"shiftMs"} nothing, {"to", "text"} {"outcome"}, {"connect"} {"path"}
 *
 * Accepts every offer.
 */
import { createInterface } from 'node:readline'
import type { PeerId } from '../../peer/index.ts'

let shiftMs = Number(process.argv[4])
const rightNow = Date.now
const RightDate = Date
Date.now = () => rightNow() + shiftMs
globalThis.Date = new Proxy(RightDate, {
  construct: (target, given) => Reflect.construct(target, given.length === 0 ? [Date.now()] : given),
})

const [index, invite] = process.argv.slice(2) as [string, string]
const say = (value: object): boolean => process.stdout.write(`${JSON.stringify(value)}\n`)

// What is loaded now reads the wrong clock from its first moment on.
const { join } = await import('../../peer/index.ts')
const peer = await join({ index, invite })
peer.on('message', ({ text }) => void say({ message: text }))
peer.on('offer', (offer) => void offer.accept())
process.once('SIGTERM', () => peer.close().then(() => process.exit()))
say({ peer: peer.peer })
for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line) as { shiftMs?: number; to?: PeerId; text?: string; connect?: PeerId }
  if (said.shiftMs !== undefined) shiftMs = said.shiftMs
  if (said.to !== undefined) say({ outcome: await peer.send(said.to, said.text!) })
  if (said.connect !== undefined) say({ path: (await peer.connect(said.connect)).path })
}
