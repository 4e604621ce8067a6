/**
 * A peer of libdatachannel, whose ICE agent is libjuice: libjuice-peer.ts STUN reads and prints lines, whose {"signal"} is for
 * the other side. {"ask": true} begins, and answers {"directMs"} from there to a connected ICE agent, or {"error"};
 * {"end": true} ends the connection on either side. There is no TURN server, so what connects is direct.
 */
import { createInterface } from 'node:readline'
import { PeerConnection } from 'node-datachannel'

interface Line {
  readonly ask?: true
  readonly end?: true
  readonly signal?:
    | { readonly sdp: string; readonly type: string }
    | { readonly candidate: string; readonly mid: string }
}

/** States of the ICE agent in which an attempt is over. */
const ENDS: ReadonlySet<string> = new Set(['connected', 'completed', 'failed'])

const [stun] = process.argv.slice(2) as [string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
let connection: PeerConnection | undefined

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) take(JSON.parse(line))

function take({ ask, end, signal }: Line): void {
  if (ask) begin()
  else if (end) finish()
  else if (signal !== undefined) {
    connection ??= connect()
    if ('sdp' in signal) connection.setRemoteDescription(signal.sdp, signal.type)
    else connection.addRemoteCandidate(signal.candidate, signal.mid)
  }
}

function begin(): void {
  const askedAt = performance.now()
  connection = connect()
  let answered = false
  connection.onIceStateChange((state) => {
    if (answered || !ENDS.has(state)) return
    answered = true
    say(state === 'failed' ? { error: state } : { directMs: performance.now() - askedAt })
  })
  connection.createDataChannel('bench')
}

function connect(): PeerConnection {
  const made = new PeerConnection('bench', { iceServers: [stun] })
  made.onLocalDescription((sdp, type) => say({ signal: { sdp, type } }))
  made.onLocalCandidate((candidate, mid) => say({ signal: { candidate, mid } }))
  return made
}

function finish(): void {
  connection?.close()
  connection = undefined
}
