import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inventoryOf } from './inventory.ts'
import { resourcesOf, systemUnderTest } from './system-under-test.ts'

const watch = systemUnderTest().watch!
const alarms = resourcesOf(watch, 'AWS::CloudWatch::Alarm')
const README = readFileSync(join(import.meta.dirname, '../../infra/README.md'), 'utf8')

test('every alarm says what is broken, tells somebody, and has its paragraph in the runbook', () => {
  expect(alarms.length).toBeGreaterThan(15)
  for (const { Properties } of alarms) {
    expect(Properties.AlarmActions).toHaveLength(1)
    const name: string = Properties.AlarmName.replace('straightway-test-', '')
    expect(Properties.AlarmDescription).toContain(name)
    const family = name.replace(/^.*-(late|gave-up|held-back)$/, '*-$1')
    expect(README).toContain(`\`${family}\``)
  }
})

test('that nothing is known of the fleet rings as well', () => {
  const silent = alarms.filter(({ Properties }) => Properties.TreatMissingData === 'breaching')
  expect(silent.map(({ Properties }) => Properties.AlarmName).sort()).toEqual([
    'straightway-test-canary-fails',
    'straightway-test-nodes-missing',
    'straightway-test-relays-missing',
    'straightway-test-stun-alone',
  ])
})

test('more than 3 of 100 tunnels that stay on a relay for an hour ring, those that were asked for not counted', () => {
  const { Properties } = alarms.find(({ Properties }) => Properties.AlarmName.endsWith('relay-share'))!
  expect(Properties).toMatchObject({ Threshold: 3, EvaluationPeriods: 1 })
  const told = (Properties.Metrics as { Id: string; MetricStat?: { Metric: Metric; Period: number } }[])
    .filter(({ MetricStat }) => MetricStat !== undefined)
    .map(({ Id, MetricStat }) => [
      Id,
      MetricStat!.Metric.Dimensions.map(({ Value }) => Value),
      MetricStat!.Period,
    ])
  expect(told).toEqual([
    ['direct', ['direct', 'test'], 3600],
    ['relayed', ['relayed', 'test'], 3600],
    ['recovered', ['recovered', 'test'], 3600],
    ['asked', ['relayed', 'test', 'policy'], 3600],
  ])
})

test('the budget tells the address of alarms', () => {
  const [budget] = resourcesOf(watch, 'AWS::Budgets::Budget')
  const { NotificationsWithSubscribers, Budget } = budget!.Properties
  expect(Budget.BudgetLimit).toEqual({ Amount: 300, Unit: 'USD' })
  expect(NotificationsWithSubscribers[0].Subscribers[0].Address).toBe('operator@example.com')
})

test('the stack holds what its inventory lists', async () => {
  await expect(inventoryOf(watch)).toMatchFileSnapshot('inventory/watch.txt')
})

interface Metric {
  readonly Dimensions: readonly { readonly Value: string }[]
}
