/**
 * A peer of libdatachannel, whose ICE agent is libjuice: libjuice-peer.ts STUN reads and prints lines, of which {"signal"} are
 * for the other side. {"ask": N} begins connection number N, and is answered by {"run": N, "directMs"} from there to a
 * connected ICE agent, or {"run": N, "error"}; {"end": N} ends it on either side. There is no TURN server, so what connects
 * is direct.
 */
import { createInterface } from 'node:readline'
import { PeerConnection } from 'node-datachannel'

type Signal =
  | { readonly run: number; readonly sdp: string; readonly type: string }
  | { readonly run: number; readonly candidate: string; readonly mid: string }

interface Line {
  readonly ask?: number
  readonly end?: number
  readonly signal?: Signal
}

/** States of the ICE agent in which an attempt is over. */
const ENDS: ReadonlySet<string> = new Set(['connected', 'completed', 'failed'])

const [stun] = process.argv.slice(2) as [string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
let current: { readonly run: number; readonly connection: PeerConnection } | undefined

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) take(JSON.parse(line))

function take({ ask, end, signal }: Line): void {
  if (ask !== undefined) begin(ask)
  else if (end !== undefined) finish(end)
  else if (signal !== undefined) hear(signal)
}

function begin(run: number): void {
  const askedAt = performance.now()
  const connection = connect(run)
  let answered = false
  connection.onIceStateChange((state) => {
    if (answered || !ENDS.has(state)) return
    answered = true
    say({ run, ...(state === 'failed' ? { error: state } : { directMs: performance.now() - askedAt }) })
  })
  connection.createDataChannel('bench')
}

/** What belongs to a connection that has ended comes late. */
function hear(signal: Signal): void {
  if ('sdp' in signal && signal.type === 'offer') connect(signal.run)
  if (current?.run !== signal.run) return
  if ('sdp' in signal) current.connection.setRemoteDescription(signal.sdp, signal.type)
  else current.connection.addRemoteCandidate(signal.candidate, signal.mid)
}

function connect(run: number): PeerConnection {
  const connection = new PeerConnection('bench', { iceServers: [stun] })
  connection.onLocalDescription((sdp, type) => say({ signal: { run, sdp, type } }))
  connection.onLocalCandidate((candidate, mid) => say({ signal: { run, candidate, mid } }))
  current = { run, connection }
  return connection
}

function finish(run: number): void {
  if (current?.run !== run) return
  current.connection.close()
  current = undefined
}
