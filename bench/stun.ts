/** STUN answers: our node beside coturn, the same load against both in turn. */

import { STUN_TYPE } from '../shared/wire/stun.ts'
import { encodeBindingRequest } from '../shared/wire/stun-client.ts'
import { type Child, startScript } from './child.ts'
import { startCoturn } from './coturn.ts'
import { freePort } from './free-port.ts'
import type { Load, Measured } from './load.ts'
import { type Rate, rateOf } from './rate.ts'

/** In turn, so that whatever else the machine does falls on both. */
const ROUNDS = 3
const WARM_UP_MS = 500
const SOCKETS = 8
const WINDOW = 32

export interface StunResult {
  readonly ours: Rate
  readonly coturn: Rate
  /** Answers for a CPU-second of ours, over those of coturn. */
  readonly ratio: number
}

export async function benchStun(seconds: number): Promise<StunResult> {
  const port = await freePort()
  const alternate = await freePort()
  const coturnPort = await freePort()
  const ours = startScript('stun-node.ts', `${port}`, `${alternate}`)
  const children = [ours]
  try {
    await ours.line()
    const coturn = await startCoturn(coturnPort)
    children.push(coturn)
    const rounds = { ours: [] as Measured[], coturn: [] as Measured[] }
    for (let round = 0; round < ROUNDS; round++) {
      rounds.ours.push(await run(ours, port, seconds))
      rounds.coturn.push(await run(coturn, coturnPort, seconds))
    }
    const rates = { ours: rateOf(rounds.ours), coturn: rateOf(rounds.coturn) }
    return { ...rates, ratio: rates.ours.perCpuSecond / rates.coturn.perCpuSecond }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

async function run(server: Child, port: number, seconds: number): Promise<Measured> {
  const request = encodeBindingRequest(new Uint8Array(12), { fingerprint: false })
  const load: Load = {
    host: '127.0.0.1',
    port,
    request: Buffer.from(request).toString('base64'),
    answerType: STUN_TYPE.success,
    sockets: SOCKETS,
    window: WINDOW,
    warmUpMs: WARM_UP_MS,
    measureMs: (seconds * 1000) / ROUNDS,
    pid: server.pid,
  }
  const generator = startScript('load.ts', JSON.stringify(load))
  const measured = JSON.parse(await generator.line()) as Measured
  await generator.stop()
  return measured
}
