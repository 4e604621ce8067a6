/**
 * A peer of libdatachannel, whose ICE agent is libjuice: libjuice-peer.ts STUN IP PORT. It signals through the server at
 * IP PORT, and reads and prints lines:
 *
 * - {"ask": N} opens connection number N. The result is {"run": N, "directMs"}, the time until the ICE agent is connected,
 *   with "provenMs" when the other side has returned a message through the data channel; or {"run": N, "error"}.
 * - {"end": N} closes the connection, on either side.
 *
 * There is no TURN server, so each connection is direct.
 */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DataChannel, PeerConnection } from 'node-datachannel'
import { ECHO_MS, MESSAGE_BYTES } from './contestant.ts'

type Signal =
  | { readonly run: number; readonly sdp: string; readonly type: string }
  | { readonly run: number; readonly candidate: string; readonly mid: string }

interface Line {
  readonly ask?: number
  readonly end?: number
}

/** States of the ICE agent in which an attempt is over. */
const ENDS: ReadonlySet<string> = new Set(['connected', 'completed', 'failed'])

const [stun, ip, port] = process.argv.slice(2) as [string, string, string]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
let current: { readonly run: number; readonly connection: PeerConnection } | undefined

const signals = connectTcp(Number(port), ip).setNoDelay()
await once(signals, 'connect')
createInterface({ input: signals }).on('line', (line) => hear(JSON.parse(line)))
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) take(JSON.parse(line))

function take({ ask, end }: Line): void {
  if (ask !== undefined) begin(ask)
  else if (end !== undefined) finish(end)
}

function begin(run: number): void {
  const askedAt = performance.now()
  const connection = connect(run)
  let answered = false
  const echo = returned(connection.createDataChannel('bench'))
  connection.onIceStateChange(async (state) => {
    if (answered || !ENDS.has(state)) return
    answered = true
    const directMs = performance.now() - askedAt
    if (state === 'failed') say({ run, error: state })
    else say({ run, directMs, ...((await echo()) && { provenMs: performance.now() - askedAt }) })
  })
}

/** Sends a message as soon as the channel opens. The result resolves with true if the message comes back in time. */
function returned(channel: DataChannel): () => Promise<boolean> {
  const back = new Promise<boolean>((resolve) => channel.onMessage(() => resolve(true)))
  channel.onOpen(() => channel.sendMessageBinary(new Uint8Array(MESSAGE_BYTES)))
  return () => Promise.race([back, sleep(ECHO_MS, false)])
}

/** Handles a signal of the other side. Signals of a connection that has ended are ignored. */
function hear(signal: Signal): void {
  if ('sdp' in signal && signal.type === 'offer') connect(signal.run)
  if (current?.run !== signal.run) return
  if ('sdp' in signal) current.connection.setRemoteDescription(signal.sdp, signal.type)
  else current.connection.addRemoteCandidate(signal.candidate, signal.mid)
}

function connect(run: number): PeerConnection {
  const connection = new PeerConnection('bench', { iceServers: [stun] })
  const signal = (it: Signal) => signals.write(`${JSON.stringify(it)}\n`)
  connection.onLocalDescription((sdp, type) => signal({ run, sdp, type }))
  connection.onLocalCandidate((candidate, mid) => signal({ run, candidate, mid }))
  connection.onDataChannel((channel) =>
    channel.onMessage((message) => channel.sendMessageBinary(Buffer.from(message))),
  )
  current = { run, connection }
  return connection
}

function finish(run: number): void {
  if (current?.run !== run) return
  current.connection.close()
  current = undefined
}
