import { expect, test } from 'vitest'
import { createCdk } from '../../../local/cloud/cdk.ts'
import { ENVIRONMENT } from '../../../local/cloud/names.ts'
import { deployed } from './index-client.ts'
import { inventory } from './inventory.ts'

test('cdk destroy leaves nothing where the configuration retains nothing', async () => {
  const { endpoint, tablePrefix } = deployed
  const cdk = createCdk(endpoint, ENVIRONMENT)
  await cdk.destroy()
  cdk.close()
  for (const [kind, names] of Object.entries(await inventory(endpoint, tablePrefix)))
    expect(names, kind).toEqual([])
})
