/** Checks for leftovers of an earlier deployment: stacks that cannot be updated, and names that a new stack needs. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager'
import { TABLES } from '../../shared/store/tables.ts'
import { placesOf, prefixOf } from '../config.ts'
import { keyName } from '../key-names.ts'
import { type Check, type Found, type Place, stackNames } from './check.ts'

/** States of a stack that can only be deleted. */
const DEAD = /^(ROLLBACK_COMPLETE|ROLLBACK_FAILED|CREATE_FAILED|DELETE_FAILED)$/

export const stackStates: Check = async ({ region, stacks }) =>
  [...stacks].flatMap(([stack, status]): Found[] => {
    const at = `--region ${region} --stack-name ${stack}`
    const found = (what: string, mend: string): Found[] => [
      { level: 'error', check: 'stack-state', what, mend },
    ]
    if (DEAD.test(status)) return found(`${stack} is ${status}.`, `aws cloudformation delete-stack ${at}`)
    if (status === 'UPDATE_ROLLBACK_FAILED')
      return found(`${stack} is ${status}.`, `aws cloudformation continue-update-rollback ${at}`)
    if (status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS')
      return found(
        `${stack} is ${status}.`,
        `aws cloudformation wait stack-exists ${at}, until it is complete`,
      )
    return []
  })

export const leftBehind: Check = async (place) => {
  const { config, kind, stacks } = place
  const living = stacks.get(stackNames(config).data)
  const owned = living !== undefined && living !== 'REVIEW_IN_PROGRESS' && !DEAD.test(living)
  if (kind === 'second' || owned || placesOf(config).adopted) return []
  const [tables, secrets] = await Promise.all([tablesLeft(place), secretsLeft(place)])
  const names = [...tables, ...secrets.filter(({ deleted }) => !deleted).map(({ name }) => name)]
  const adopt = `npm run adopt -- -c environment=${config.name}, or npm run teardown -- -c environment=${config.name} --leftovers if nothing in them is needed`
  const left: Found[] = names.length
    ? [{ level: 'error', check: 'left-behind', what: `No stack owns ${names.join(', ')}.`, mend: adopt }]
    : []
  const deleted = secrets.filter((secret) => secret.deleted)
  return [
    ...left,
    ...deleted.map(
      ({ name }): Found => ({
        level: 'error',
        check: 'left-behind',
        what: `${name} is being deleted, and its name is taken until then.`,
        mend: `aws secretsmanager delete-secret --region ${place.region} --secret-id ${name} --force-delete-without-recovery (or restore-secret, and npm run adopt)`,
      }),
    ),
  ]
}

/** Physical names of the system's tables that exist. */
export async function tablesLeft({ config, clients }: Pick<Place, 'config' | 'clients'>): Promise<string[]> {
  const names = Object.keys(TABLES).map((name) => `${prefixOf(config)}${name}`)
  const exist = await Promise.all(
    names.map((TableName) =>
      clients.dynamodb.send(new DescribeTableCommand({ TableName })).then(
        () => true,
        (error: Error) => {
          if (error.name === 'ResourceNotFoundException') return false
          throw error
        },
      ),
    ),
  )
  return names.filter((_, i) => exist[i])
}

export interface SecretLeft {
  readonly name: string
  readonly arn: string
  /** It is scheduled for deletion at the end of its recovery window. */
  readonly deleted: boolean
}

export async function secretsLeft({
  config,
  clients,
}: Pick<Place, 'config' | 'clients'>): Promise<SecretLeft[]> {
  const names = (['Ticket', 'Fleet'] as const).map((key) => keyName(config, key))
  const found = await Promise.all(
    names.map(async (name): Promise<SecretLeft[]> => {
      try {
        const { ARN = name, DeletedDate } = await clients.secrets.send(
          new DescribeSecretCommand({ SecretId: name }),
        )
        return [{ name, arn: ARN, deleted: DeletedDate !== undefined }]
      } catch (error) {
        if ((error as Error).name === 'ResourceNotFoundException') return []
        throw error
      }
    }),
  )
  return found.flat()
}
