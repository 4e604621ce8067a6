/** More changes than one transaction holds each leave their record. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditRecord } from '../../../shared/resources.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
})
afterAll(() => index.close())

test('an owner of many networks that is deleted leaves a record of each', async () => {
  const networks = await Promise.all(Array.from({ length: 34 }, () => index.network()))
  const owner = await index.member(Object.fromEntries(networks.map((network) => [network, 'owner'])))
  await index.member(Object.fromEntries(networks.map((network) => [network, 'owner'])))
  const answer = await index.call(`DELETE /v1/users/${owner.user}`, { as: owner.ticket })
  expect(answer.status).toBe(202)
  const { body } = await index.call('GET /v1/audit', { as: index.admin })
  const request = answer.headers['x-request-id']
  const found = body.items.filter((each: AuditRecord) => each.request === request)
  expect(found).toHaveLength(networks.length + 1)
  expect(new Set(found.map(({ subject }: AuditRecord) => subject))).toEqual(
    new Set([...networks, owner.user]),
  )
})
