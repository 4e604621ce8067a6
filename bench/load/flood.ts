/** Sends datagrams that a service has to look at, as many as it can: flood.ts KIND PORT, until it is killed. */
import { randomBytes } from 'node:crypto'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { SHORT_BYTES, writeShort } from '../../shared/wire/session.ts'
import { encodeBindingRequest } from '../../shared/wire/stun-client.ts'
import { LoadSocket } from '../relay/socket.ts'
import type { ServiceKind } from './bench.ts'

const BATCH = 64
const GARBAGE_BYTES = 200

/** A request of a stranger for each service: STUN, a keep-alive of no session, and packets of no tunnel. */
function datagramOf(kind: ServiceKind): Uint8Array {
  if (kind === 'stun') return encodeBindingRequest(new Uint8Array(12), { fingerprint: false })
  if (kind !== 'checkpoint') return randomBytes(GARBAGE_BYTES)
  const bytes = new Uint8Array(SHORT_BYTES)
  writeShort(bytes, 0, KIND.KEEP_ALIVE, 1)
  return bytes
}

const [kind, port] = process.argv.slice(2) as [ServiceKind, string]
const socket = await LoadSocket.open()
const to = parseAddress(`127.0.0.1:${port}`)!.words
const out = new Batch(BATCH)
for (let i = 0; i < BATCH; i++) out.push(datagramOf(kind), to)
const send = (): void => {
  for (let i = 0; i < 8; i++) socket.send(out)
  setImmediate(send)
}
send()
