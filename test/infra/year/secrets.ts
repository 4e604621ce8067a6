/**
 * Secrets Manager on loopback, with the clock of its process: the five calls that functions and nodes make. A rotation
 * depends on the age of a version, and no emulator has an adjustable clock.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Version {
  readonly id: string
  readonly value: string
  readonly createdAt: number
  readonly stages: Set<string>
}

interface Asked {
  readonly SecretId: string
  readonly VersionStage?: string
  readonly VersionStages?: readonly string[]
  readonly SecretString?: string
  readonly MoveToVersionId?: string
  readonly RemoveFromVersionId?: string
}

export interface SecretsUnderTest {
  readonly endpoint: string
  close(): Promise<void>
}

class Missing extends Error {}

export async function startSecrets(names: readonly string[]): Promise<SecretsUnderTest> {
  const secrets = new Map(names.map((name) => [name, [versionOf(made(), ['AWSCURRENT'])]]))
  const server = createServer(async (request, response) => {
    const action = String(request.headers['x-amz-target']).split('.').at(-1)!
    const asked = JSON.parse(await text(request)) as Asked
    try {
      const answer = answerTo(action, asked, secrets.get(asked.SecretId) ?? [])
      response.writeHead(200, TYPE).end(JSON.stringify(answer))
    } catch (error) {
      const type = error instanceof Missing ? 'ResourceNotFoundException' : 'InvalidRequestException'
      response.writeHead(400, TYPE).end(JSON.stringify({ __type: type, message: String(error) }))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const TYPE = { 'content-type': 'application/x-amz-json-1.1' }
const made = () => randomBytes(32).toString('hex').slice(0, 43)
const versionOf = (value: string, stages: readonly string[]): Version => ({
  id: randomUUID(),
  value,
  createdAt: Date.now(),
  stages: new Set(stages),
})

function answerTo(action: string, asked: Asked, versions: Version[]): object {
  switch (action) {
    case 'GetRandomPassword':
      return { RandomPassword: made() }
    case 'GetSecretValue': {
      const found = versions.find(({ stages }) => stages.has(asked.VersionStage ?? 'AWSCURRENT'))
      if (found === undefined) throw new Missing(asked.VersionStage)
      return { SecretString: found.value, VersionId: found.id }
    }
    case 'PutSecretValue': {
      const version = versionOf(asked.SecretString!, asked.VersionStages ?? ['AWSCURRENT'])
      for (const stage of version.stages) for (const other of versions) other.stages.delete(stage)
      versions.push(version)
      return { VersionId: version.id }
    }
    case 'ListSecretVersionIds':
      return {
        Versions: labelled(versions).map(({ id, createdAt, stages }) => ({
          VersionId: id,
          VersionStages: [...stages],
          CreatedDate: createdAt / 1000,
        })),
      }
    case 'DescribeSecret':
      return {
        VersionIdsToStages: Object.fromEntries(labelled(versions).map(({ id, stages }) => [id, [...stages]])),
      }
    case 'UpdateSecretVersionStage':
      return move(asked, versions)
    default:
      throw new Error(action)
  }
}

/** Versions with a label. The others are deprecated and not listed. */
const labelled = (versions: readonly Version[]) => versions.filter(({ stages }) => stages.size > 0)

/** Moves a label like the service: when AWSCURRENT moves, AWSPREVIOUS goes to the version that had it. */
function move(
  { VersionStage = '', MoveToVersionId, RemoveFromVersionId }: Asked,
  versions: Version[],
): object {
  const from = versions.find(({ id }) => id === RemoveFromVersionId)
  if (!from?.stages.delete(VersionStage)) throw new Error(`${VersionStage} is not on ${RemoveFromVersionId}`)
  const to = versions.find(({ id }) => id === MoveToVersionId)
  to?.stages.add(VersionStage)
  if (VersionStage !== 'AWSCURRENT' || to === undefined) return {}
  for (const { stages } of versions) stages.delete('AWSPREVIOUS')
  from.stages.add('AWSPREVIOUS')
  return {}
}
