/**
 * What a new system is founded with: an admin key, a first network, and an invite to it that many may use. They are kept
 * in the data folder, so that every start prints the same ones.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { NetworkId } from '../shared/ids.ts'
import { createApiKey } from '../shared/store/api-keys.ts'
import { createInvite } from '../shared/store/invites.ts'
import { createNetwork } from '../shared/store/networks.ts'

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
  const known = file && read(file)
  if (known) return known
  const founded = await found(client)
  if (file) write(file, founded)
  return founded
}

async function found(client: DynamoDBDocumentClient): Promise<Founded> {
  const now = Date.now()
  const { token } = await createApiKey(client, { name: 'npm start', role: 'admin' }, now)
  const { network } = await createNetwork(client, { name: 'first' }, now)
  const { code } = await createInvite(
    client,
    { network, role: 'member', uses: INVITE_USES, validMs: INVITE_MS },
    now,
  )
  return { adminKey: token, network, invite: code }
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
