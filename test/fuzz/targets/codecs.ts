/**
 * Every wire decoder. The first byte chooses the decoder, and the rest is its input. No decoder throws or changes its input.
 * A decoded value that is encoded again decodes to the same value.
 */
import { isDeepStrictEqual } from 'node:util'
import * as datagramStream from '../../../shared/wire/datagram-stream.ts'
import * as frames from '../../../shared/wire/frames.ts'
import * as handshake from '../../../shared/wire/handshake.ts'
import * as json from '../../../shared/wire/json.ts'
import * as messages from '../../../shared/wire/messages.ts'
import * as node from '../../../shared/wire/node.ts'
import * as offers from '../../../shared/wire/offers.ts'
import * as natPmp from '../../../shared/wire/port-mapping-nat-pmp.ts'
import * as pcp from '../../../shared/wire/port-mapping-pcp.ts'
import * as presence from '../../../shared/wire/presence.ts'
import * as relay from '../../../shared/wire/relay.ts'
import * as session from '../../../shared/wire/session.ts'
import * as signIn from '../../../shared/wire/sign-in.ts'
import * as stunClient from '../../../shared/wire/stun-client.ts'
import * as tunnel from '../../../shared/wire/tunnel.ts'
import type { Target } from '../fuzzer.ts'

type Decode = (bytes: Uint8Array) => unknown
type Encode = (value: unknown) => unknown

const MODULES: readonly Readonly<Record<string, unknown>>[] = [
  datagramStream,
  frames,
  handshake,
  json,
  messages,
  node,
  offers,
  natPmp,
  pcp,
  presence,
  relay,
  session,
  signIn,
  stunClient,
  tunnel,
]

interface Codec {
  readonly name: string
  readonly decode: Decode
  readonly encode: Encode | undefined
}

const CODECS: readonly Codec[] = MODULES.flatMap((module) =>
  Object.entries(module)
    .filter(([name, value]) => /^decode/.test(name) && typeof value === 'function')
    .map(([name, decode]) => ({
      name,
      decode: decode as Decode,
      encode: encodeOf(module[name.replace('decode', 'encode')]),
    })),
).sort((a, b) => a.name.localeCompare(b.name))

/** Returns the encoder if it has one argument. The others need more than the decoded value. */
function encodeOf(encode: unknown): Encode | undefined {
  return typeof encode === 'function' && encode.length === 1 ? (encode as Encode) : undefined
}

export const codecs: Target = {
  seeds: CODECS.flatMap((_, i) => [0, 40, 300].map((length) => new Uint8Array(1 + length).fill(i, 0, 1))),
  run(input) {
    const codec = CODECS[(input[0] ?? 0) % CODECS.length]!
    const bytes = input.slice(1)
    const before = bytes.slice()
    const value = codec.decode(bytes)
    if (!isDeepStrictEqual(bytes, before)) throw new Error(`${codec.name} changed its input`)
    if (value === undefined || codec.encode === undefined) return
    const encoded = codec.encode(value)
    if (!(encoded instanceof Uint8Array)) return
    if (!isDeepStrictEqual(codec.decode(encoded), value))
      throw new Error(`${codec.name} is not what was encoded`)
  },
}
