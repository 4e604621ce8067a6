/** Compares the STUN responses of our node and of coturn, under the same load and in turns. */
import { type Child, startScript } from './child.ts'
import { startCoturn } from './coturn.ts'
import { freePort } from './free-port.ts'
import type { Measured } from './measure.ts'
import { type Rate, rateOf } from './rate.ts'
import type { StunLoad } from './stun-load.ts'

/** Number of turns of each server. With turns, other work on the machine affects both. */
const ROUNDS = 3
const WARM_UP_MS = 500
const SOCKETS = 8
const WINDOW = 32

export interface StunResult {
  readonly ours: Rate
  readonly coturn: Rate
  /** Responses per CPU-second of our node, divided by those of coturn. */
  readonly ratio: number
}

/** Runs the benchmark. `seconds`: time for which each of the two servers is measured. */
export async function benchStun(seconds: number): Promise<StunResult> {
  const [port, alternate, coturnPort] = [await freePort(), await freePort(), await freePort()]
  const ours = startScript('stun-node.ts', `${port}`, `${alternate}`)
  const children = [ours]
  try {
    await ours.line()
    const coturn = await startCoturn(coturnPort)
    children.push(coturn)
    const rounds = { ours: [] as Measured[], coturn: [] as Measured[] }
    for (let round = 0; round < ROUNDS; round++) {
      rounds.ours.push(await load(ours, port, seconds / ROUNDS))
      rounds.coturn.push(await load(coturn, coturnPort, seconds / ROUNDS))
    }
    const rates = { ours: rateOf(rounds.ours), coturn: rateOf(rounds.coturn) }
    return { ...rates, ratio: rates.ours.perCpuSecond / rates.coturn.perCpuSecond }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

async function load({ pid }: Child, port: number, seconds: number): Promise<Measured> {
  const told: StunLoad = {
    host: '127.0.0.1',
    port,
    sockets: SOCKETS,
    window: WINDOW,
    warmUpMs: WARM_UP_MS,
    measureMs: seconds * 1000,
    pid,
  }
  const child = startScript('stun-load.ts', JSON.stringify(told))
  try {
    return JSON.parse(await child.line()) as Measured
  } finally {
    await child.stop()
  }
}
