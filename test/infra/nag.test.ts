import { expect, test } from 'vitest'
import { systemUnderTest } from './system-under-test.ts'

test('the checks of AwsSolutions find nothing that is not acknowledged', () => {
  const { app } = systemUnderTest()
  expect(() => app.synth()).not.toThrow()
})

test('the checks do find something: a queue that is not encrypted in flight', async () => {
  const { Queue } = await import('aws-cdk-lib/aws-sqs')
  const { app, data } = systemUnderTest()
  new Queue(data, 'Careless')
  expect(() => app.synth()).toThrow('AwsSolutions-SQS4')
})

test('every acknowledgement has a reason that is a sentence', () => {
  const { app } = systemUnderTest()
  const acknowledged = app.node
    .findAll()
    .flatMap(({ node }) =>
      node.metadata.filter(({ type }) => type === 'aws:cdk:acknowledged-rules').map(({ data }) => data),
    )
  const reasons = acknowledged
    .flatMap((rules) => Object.entries(rules as Record<string, unknown>))
    .filter(([id]) => id.includes('AwsSolutions-'))
    .map(([, reason]) => String(reason))
  expect(reasons.length).toBeGreaterThan(5)
  for (const reason of reasons) expect(reason).toMatch(/^[A-Zn\d].{40,}\.$/s)
})
