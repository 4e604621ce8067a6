import { expect, test } from 'vitest'
import { TABLES, type Table } from '../../shared/store/tables.ts'
import { resourcesOf, scrubbed, systemUnderTest } from './system-under-test.ts'

const { data } = systemUnderTest()
const tables = resourcesOf(data, 'AWS::DynamoDB::GlobalTable')

test('every table of the description is there, named with the prefix that the code is told', () => {
  const names = tables.map(({ Properties }) => Properties.TableName).sort()
  expect(names).toEqual(
    Object.values(TABLES)
      .map(({ name }) => `straightway-test-${name}`)
      .sort(),
  )
})

test('a table has the keys, indexes, stream and expiry of its description', () => {
  for (const table of Object.values(TABLES) as Table[]) {
    const found = tables.find(({ Properties }) => Properties.TableName === `straightway-test-${table.name}`)
    const {
      KeySchema,
      GlobalSecondaryIndexes = [],
      StreamSpecification,
      TimeToLiveSpecification,
    } = found!.Properties
    expect(keysOf(KeySchema)).toEqual([table.partition, table.sort])
    const indexes = GlobalSecondaryIndexes.map((index: { IndexName: string; KeySchema: Key[] }) => [
      index.IndexName,
      ...keysOf(index.KeySchema),
    ])
    expect(indexes).toEqual((table.indexes ?? []).map(({ name, partition, sort }) => [name, partition, sort]))
    expect(StreamSpecification?.StreamViewType).toBe(table.stream && 'NEW_AND_OLD_IMAGES')
    expect(TimeToLiveSpecification?.AttributeName).toBe(table.expires)
  }
})

test('every table is kept, cannot be deleted, is recoverable and encrypted, and is paid for by request', () => {
  for (const { Properties, DeletionPolicy } of tables) {
    expect(DeletionPolicy).toBe('RetainExceptOnCreate')
    expect(Properties.BillingMode).toBe('PAY_PER_REQUEST')
    expect(Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' })
    for (const replica of Properties.Replicas) {
      expect(replica.DeletionProtectionEnabled).toBe(true)
      expect(replica.PointInTimeRecoverySpecification).toEqual({
        PointInTimeRecoveryEnabled: true,
        RecoveryPeriodInDays: 35,
      })
    }
  }
})

test('keys are made by Secrets Manager and kept; no template holds one', () => {
  const secrets = resourcesOf(data, 'AWS::SecretsManager::Secret')
  expect(secrets.map(({ Properties }) => Properties.Name).sort()).toEqual([
    'straightway-test-fleet-key',
    'straightway-test-ticket-key',
  ])
  for (const { Properties, DeletionPolicy } of secrets) {
    expect(Properties.GenerateSecretString).toEqual({ ExcludePunctuation: true, PasswordLength: 43 })
    expect(Properties.SecretString).toBeUndefined()
    expect(DeletionPolicy).toBe('RetainExceptOnCreate')
  }
})

test('a first deployment that failed can be repeated: the CDK may delete the stack, and the tables guard themselves', () => {
  expect(data.terminationProtection ?? false).toBe(false)
  const guarded = resourcesOf(data, 'AWS::DynamoDB::GlobalTable').flatMap(({ Properties }) =>
    Properties.Replicas.map(
      (each: { DeletionProtectionEnabled?: boolean }) => each.DeletionProtectionEnabled,
    ),
  )
  expect(guarded.length).toBeGreaterThan(0)
  expect(guarded.every((each: boolean | undefined) => each === true)).toBe(true)
})

test('the template is as it was', () => {
  expect(scrubbed(data)).toMatchSnapshot()
})

interface Key {
  readonly AttributeName: string
  readonly KeyType: 'HASH' | 'RANGE'
}

function keysOf(schema: readonly Key[]): (string | undefined)[] {
  const named = (type: Key['KeyType']) => schema.find(({ KeyType }) => KeyType === type)?.AttributeName
  return [named('HASH'), named('RANGE')]
}
