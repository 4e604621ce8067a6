import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling'
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { expect, test } from 'vitest'
import { createRotation, stepFor } from '../../../functions/keys/rotate.ts'

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

/** Answers any command with that, and notes which came. */
function service(answer: object | Error) {
  const asked: { readonly name: string; readonly input: object }[] = []
  const send = async (command: { readonly input: object }) => {
    asked.push({ name: command.constructor.name, input: command.input })
    if (answer instanceof Error) throw answer
    return answer
  }
  return { asked, send }
}

test('a new key is told to every group of every region, and a region that cannot be told is said', async () => {
  const secrets = service({ Versions: [version('AWSCURRENT', 91)], RandomPassword: 'made up' })
  const regions = [service(new Error('out of reach')), service({})]
  const rotate = createRotation({
    secrets: ['ticket', 'fleet'],
    keyMs: KEY_MS,
    groups: ['nodes', 'relays'],
    client: secrets as unknown as SecretsManagerClient,
    scaling: regions as unknown as AutoScalingClient[],
    now: () => NOW,
  })
  await expect(rotate({} as never, {} as never)).rejects.toThrow('out of reach')
  for (const { asked } of regions)
    expect(asked).toMatchObject([
      { name: 'StartInstanceRefreshCommand', input: { AutoScalingGroupName: 'nodes' } },
      { name: 'StartInstanceRefreshCommand', input: { AutoScalingGroupName: 'relays' } },
    ])
})
