import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { StraightwayError } from '../errors.ts'
import type { Versions } from '../secrets.ts'

/** Reads the versions of a secret. Errors: `internal` if it has no current version. */
export async function readVersions(client: SecretsManagerClient, secret: string): Promise<Versions> {
  const stages = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS']
  const [current, pending, previous] = await Promise.all(stages.map((stage) => read(client, secret, stage)))
  if (current === undefined) throw new StraightwayError('internal', `configuration: ${secret} has no value`)
  return { current, pending, previous }
}

async function read(
  client: SecretsManagerClient,
  SecretId: string,
  VersionStage: string,
): Promise<string | undefined> {
  try {
    return (await client.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    throw error
  }
}
