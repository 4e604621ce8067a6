/**
 * The founding of a new system: an admin key, a first network, and a reusable invite to it. They are kept in the data
 * folder, so that every start prints the same ones.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId } from '../shared/ids.ts'
import { createApiKeys } from '../shared/store/api-keys.ts'
import { createInvites } from '../shared/store/invites.ts'
import { createNetworks } from '../shared/store/networks.ts'

export interface Founded {
  readonly adminKey: string
  readonly network: NetworkId
  readonly invite: string
}

const INVITE_USES = 10_000
const INVITE_MS = 365 * 24 * 3600_000

export async function foundSystem(
  client: DynamoDBDocumentClient,
  data: string | undefined,
): Promise<Founded> {
  const file = data === undefined ? undefined : join(data, 'founding.json')
  const known = file === undefined ? undefined : read(file)
  const founded = await found(client, known)
  if (file && founded !== known) write(file, founded)
  return founded
}

/** Replaces a key, network or invite that was revoked, deleted or used up, so that only valid ones are printed. */
async function found(client: DynamoDBDocumentClient, known: Founded | undefined): Promise<Founded> {
  const now = Date.now()
  const [key, there, open] = await Promise.all([
    known && createApiKeys(client).authenticate(known.adminKey, Date.now()),
    known && createNetworks(client).get(known.network),
    known &&
      createInvites(client)
        .requireByCode(known.invite)
        .catch(() => undefined),
  ])
  const good = open !== undefined && open.expiresAt > now && open.used < open.uses
  if (known && key && there && good) return known
  const adminKey = known && key ? known.adminKey : await newKey(client, now)
  if (known && there && good) return { ...known, adminKey }
  const { network } = there ?? (await createNetworks(client).create({ name: 'first' }, now))
  const given = { network, role: 'member', uses: INVITE_USES, validMs: INVITE_MS } as const
  const { code } = await createInvites(client).create(given, now)
  return { adminKey, network, invite: code }
}

async function newKey(client: DynamoDBDocumentClient, now: number): Promise<string> {
  return (await createApiKeys(client).create({ name: 'npm start', role: 'admin' }, now)).token
}

function read(file: string): Founded | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Founded
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function write(file: string, founded: Founded): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(founded), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
