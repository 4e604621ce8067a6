import { expect, test } from 'vitest'
import { stepFor } from '../../../functions/keys/rotate.ts'

const DAY_MS = 24 * 3600_000
const KEY_MS = 90 * DAY_MS
const NOW = Date.UTC(2026, 10, 23)

const version = (stage: string, daysOld: number) => ({
  VersionId: stage,
  VersionStages: [stage],
  CreatedDate: new Date(NOW - daysOld * DAY_MS),
})

test.each([
  ['a young key stays', [version('AWSCURRENT', 89)], 'wait'],
  ['an old key gets a successor', [version('AWSCURRENT', 90)], 'prepare'],
  [
    'a successor waits a day, so that everybody knows it',
    [version('AWSCURRENT', 91), version('AWSPENDING', 0.9)],
    'wait',
  ],
  [
    'a successor that everybody knows takes over',
    [version('AWSCURRENT', 91), version('AWSPENDING', 1)],
    'promote',
  ],
  ['what was before is left alone', [version('AWSCURRENT', 1), version('AWSPREVIOUS', 91)], 'wait'],
  ['a secret without a value is left alone', [], 'wait'],
])('%s', (_, versions, step) => {
  expect(stepFor(versions, KEY_MS, NOW)).toBe(step)
})
