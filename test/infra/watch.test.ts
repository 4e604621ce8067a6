import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resourcesOf, scrubbed, systemUnderTest } from './system-under-test.ts'

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
    'straightway-test-nodes-missing',
    'straightway-test-relays-missing',
    'straightway-test-stun-alone',
  ])
})

test('the budget tells the address of alarms', () => {
  const [budget] = resourcesOf(watch, 'AWS::Budgets::Budget')
  const { NotificationsWithSubscribers, Budget } = budget!.Properties
  expect(Budget.BudgetLimit).toEqual({ Amount: 300, Unit: 'USD' })
  expect(NotificationsWithSubscribers[0].Subscribers[0].Address).toBe('operator@example.com')
})

test('the template is as it was', () => {
  expect(scrubbed(watch)).toMatchSnapshot()
})
