/**
 * A wall clock that can be set, for processes under torture. Loaded before the program (`--import`), it replaces `Date` and
 * leaves the monotonic clock alone, as a step of the system's clock does. The offset in milliseconds is in the file that
 * TORTURE_CLOCKS names, one for each address of a node, and is read at the start and at SIGUSR2.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const RealDate = Date
const realNow = Date.now
let aheadMs = 0

/** Sets how far the wall clock of this process is ahead of the true time. */
export function setClockAhead(ms: number): void {
  aheadMs = ms
}

const shifted = (): number => realNow() + aheadMs
RealDate.now = shifted
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, made) =>
    Reflect.construct(target, given.length === 0 ? [shifted()] : given, made),
  apply: () => new RealDate(shifted()).toString(),
})

const folder = process.env.TORTURE_CLOCKS
const config = process.env.STRAIGHTWAY_NODE
if (folder && config) {
  const { address } = JSON.parse(config) as { readonly address: string }
  const read = () => {
    try {
      aheadMs = Number(readFileSync(join(folder, address), 'utf8')) || 0
    } catch {
      aheadMs = 0
    }
  }
  read()
  process.on('SIGUSR2', read)
}
