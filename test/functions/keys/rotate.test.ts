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
  [
    'a successor takes over a day after the run that made it, even though it was made a little after the run began',
    [version('AWSCURRENT', 91), version('AWSPENDING', 0.99)],
    'promote',
  ],
  ['what was before is left alone', [version('AWSCURRENT', 1), version('AWSPREVIOUS', 91)], 'wait'],
  ['a secret without a value is left alone', [], 'wait'],
])('%s', (_, versions, step) => {
  expect(stepFor(versions, KEY_MS, NOW)).toBe(step)
})

/** Secrets with those versions, some of which reject every command. Records which commands each received. */
function rotationOf(versions: readonly ReturnType<typeof version>[], refused: readonly string[] = []) {
  const asked: string[] = []
  const send = async (command: { readonly input: { readonly SecretId?: string } }) => {
    const { input } = command
    asked.push(`${command.constructor.name.replace(/Command$/, '')} ${input.SecretId ?? ''}`.trim())
    if (refused.includes(input.SecretId ?? '')) throw new Error(`${input.SecretId} is out of reach`)
    const VersionIdsToStages = Object.fromEntries(
      versions.map(({ VersionId, VersionStages }) => [VersionId, VersionStages]),
    )
    return { Versions: versions, VersionIdsToStages, RandomPassword: 'made up' }
  }
  const client = { send } as unknown as SecretsManagerClient
  const rotate = createRotation({ secrets: ['ticket', 'fleet'], keyMs: KEY_MS, client, now: () => NOW })
  return { asked, run: () => rotate({} as never, {} as never) }
}

test('a successor is made of Secrets Manager alone: no node has to be replaced for it', async () => {
  const { asked, run } = rotationOf([version('AWSCURRENT', 91)])
  expect(await run()).toEqual({ ticket: 'prepare', fleet: 'prepare' })
  expect(asked.sort()).toEqual([
    'GetRandomPassword',
    'GetRandomPassword',
    'ListSecretVersionIds fleet',
    'ListSecretVersionIds ticket',
    'PutSecretValue fleet',
    'PutSecretValue ticket',
  ])
})

test('a key that cannot be replaced is said, and does not keep the other from being promoted', async () => {
  const { asked, run } = rotationOf([version('AWSCURRENT', 91), version('AWSPENDING', 1)], ['ticket'])
  await expect(run()).rejects.toThrow('ticket is out of reach')
  expect(asked.filter((command) => command === 'UpdateSecretVersionStage fleet')).toHaveLength(2)
})
