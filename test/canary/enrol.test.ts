import { DeleteCommand, GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { inviteBoth } from '../../canary/enrol.ts'
import { asFunction } from '../functions/permitted.ts'
import { startTables } from '../local/tables-under-test.ts'

const tables = await startTables()
afterAll(() => tables.close())
const canary = asFunction(tables.client, 'canary')

test('the canary makes its network and an invite with the rights that it has', async () => {
  expect(await inviteBoth(canary, 1_000)).toMatch(/^\S+$/)
})

test.each(['Networks', 'Invites'])('the canary cannot read, list, change or delete %s', async (TableName) => {
  const Key = { network: 'n_aaaaaaaaaaaaaaaa', invite: 'i' }
  for (const command of [
    new GetCommand({ TableName, Key }),
    new ScanCommand({ TableName }),
    new UpdateCommand({ TableName, Key }),
    new DeleteCommand({ TableName, Key }),
  ])
    await expect(canary.send(command as never)).rejects.toThrow('not authorized')
  await expect(canary.send(new PutCommand({ TableName: 'Users', Item: {} }))).rejects.toThrow(
    'not authorized',
  )
})
