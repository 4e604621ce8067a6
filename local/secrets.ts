/**
 * The keys of a system on one machine, created once and kept beside its tables. In the cloud, both are in Secrets
 * Manager. If the file is deleted, all tickets and the sessions of API key holders become invalid; the data stays.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { toBase32 } from '../shared/ids.ts'

export interface Secrets {
  /** Private JWK (OKP, Ed25519) that signs tickets. */
  readonly ticketKey: JWK & { readonly kid: string; readonly x: string }
  /** Key shared by nodes and functions: 32 bytes in base64. */
  readonly fleetKey: string
}

/** Loads the keys from `data`, or creates them. Without `data` they are created for this run only. */
export async function loadSecrets(data: string | undefined): Promise<Secrets> {
  if (data === undefined) return makeSecrets()
  const file = join(data, 'secrets.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Secrets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const secrets = await makeSecrets()
  mkdirSync(data, { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return secrets
}

/** Public keys in base32 by `kid`, as nodes need them. */
export function ticketKeysOf({ ticketKey }: Secrets): Record<string, string> {
  return { [ticketKey.kid]: toBase32(Buffer.from(ticketKey.x, 'base64url')) }
}

async function makeSecrets(): Promise<Secrets> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = toBase32(randomBytes(5))
  return { ticketKey: { ...jwk, x: jwk.x!, kid, alg: 'EdDSA' }, fleetKey: randomBytes(32).toString('base64') }
}
