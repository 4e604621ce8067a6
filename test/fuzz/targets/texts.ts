/** Texts that INDEX and nodes read: filters, tickets, addresses, JSON. They may only cause errors from our own list. */
import { verifyTicket } from '../../../shared/crypto/ticket.ts'
import { StraightwayError } from '../../../shared/errors.ts'
import { matches } from '../../../shared/model/filter/evaluate.ts'
import { parseFilter } from '../../../shared/model/filter/parse.ts'
import { addressOf, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { decodeJson } from '../../../shared/wire/json.ts'
import type { Target } from '../fuzzer.ts'

const RECORD = { status: 'online', metadata: { level: 3, tags: ['a', 'b'], deep: { er: [{ x: 1 }, null] } } }
const KEYS = new Map([['k1', new Uint8Array(32).fill(1)]])
const FILTERS = [
  'status eq "online"',
  'metadata.tags eq "a" and not (metadata.level ge 3 or metadata.level pr)',
  'metadata.deep.er[x eq 1] or a.b.c sw "\\u00e9" and d le -1.5e3',
]
const TICKET = `${part({ alg: 'EdDSA', kid: 'k1' })}.${part({ sub: 'x', usr: 'y', iat: 1, exp: 2 })}.AAAA`

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

const READERS: readonly ((text: string, bytes: Uint8Array) => void)[] = [
  (text) => void matches(parseFilter(text), RECORD),
  (text) => {
    if (verifyTicket(text, KEYS, 1_800_000_000_000).ok) throw new Error('a ticket nobody signed is good')
  },
  (text) => {
    const address = parseAddress(text) ?? addressOf(text, 1)
    const again = address && parseAddress(formatAddress(address.words))
    if (address && String(again?.words) !== String(address.words)) throw new Error(`not one address: ${text}`)
  },
  (_, bytes) => void decodeJson(bytes),
]

export const texts: Target = {
  seeds: [
    ...FILTERS.map((text) => `\0${text}`),
    `\x01${TICKET}`,
    ...['203.0.113.7:3478', '[2001:db8::1]:3478', '::ffff:1.2.3.4', 'fe80::1%eth0'].map(
      (text) => `\x02${text}`,
    ),
    '\x03{"a":[1,"\\ud800",null]}',
  ].map((text) => new Uint8Array(Buffer.from(text))),
  run(input) {
    const read = READERS[(input[0] ?? 0) % READERS.length]!
    const bytes = input.slice(1)
    try {
      read(Buffer.from(bytes).toString('utf8'), bytes)
    } catch (error) {
      if (!(error instanceof StraightwayError)) throw error
    }
  },
}
