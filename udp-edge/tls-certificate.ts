/**
 * The self-signed certificate of a relay, generated at its start. Peers check its key alone, whose hash (the pin) they have
 * from bootstrap. So the certificate has an empty subject and no expiry (RFC 5280, section 4.1).
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { toBase32 } from '../shared/ids.ts'

export interface TlsCertificate {
  /** Certificate and private key, as PEM. */
  readonly cert: string
  readonly key: string
  /** SHA-256 of the SubjectPublicKeyInfo, base32. */
  readonly pin: string
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const BIT_STRING = 0x03
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
/** [0] EXPLICIT. */
const VERSION = 0xa0
const SERIAL_BYTES = 16

const NOBODY = der(SEQUENCE)
const V3 = der(VERSION, der(INTEGER, Buffer.of(2)))
/** Object identifier 1.2.840.10045.4.3.2 (RFC 5758, section 3.2). */
const ECDSA_WITH_SHA256 = der(SEQUENCE, Buffer.from('06082a8648ce3d040302', 'hex'))
/** Validity from 2000, as clocks of peers may be wrong, to no defined expiry (RFC 5280, section 4.1.2.5). */
const ALWAYS = der(
  SEQUENCE,
  der(UTC_TIME, Buffer.from('000101000000Z')),
  der(GENERALIZED_TIME, Buffer.from('99991231235959Z')),
)

/** Generates a key and its certificate. The curve is P-256, which every TLS library supports. */
export function makeCertificate(): TlsCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    cert: pem(signed(toBeSigned(spki), privateKey)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    pin: toBase32(createHash('sha256').update(spki).digest()),
  }
}

function toBeSigned(spki: Buffer): Buffer {
  return der(SEQUENCE, V3, serial(), ECDSA_WITH_SHA256, NOBODY, ALWAYS, NOBODY, spki)
}

function signed(certificate: Buffer, key: KeyObject): Buffer {
  const noUnusedBits = Buffer.of(0)
  const signature = der(BIT_STRING, noUnusedBits, sign('sha256', certificate, key))
  return der(SEQUENCE, certificate, ECDSA_WITH_SHA256, signature)
}

/** A random serial number: positive and without leading zeros, as DER requires. */
function serial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return der(INTEGER, bytes)
}

/** Encodes an element: tag, length, content (X.690, section 8.1). */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const long = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length]
  return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content])
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
