import { expect, test } from 'vitest'
import { FRESH_MS, withFreshKeys } from '../../../functions/keys/fresh.ts'

/** A warm function whose key is changed by somebody else. */
function warm() {
  const world = { now: 0, key: 'first' as string | Error, reads: 0, made: 0 }
  const handler = withFreshKeys({
    env: { OTHER: 'as it was' },
    contextFrom: (env) => ({ ...env }),
    create: (context) => {
      world.made++
      return async (event: string) => `${event} ${context.KEY} ${context.OTHER}`
    },
    readKeys: async () => {
      world.reads++
      if (world.key instanceof Error) throw world.key
      return { KEY: world.key }
    },
    now: () => world.now,
  })
  return { world, ask: () => handler('event', {}) }
}

test('a warm function learns a key that was changed after its start', async () => {
  const { world, ask } = warm()
  expect(await ask()).toBe('event first as it was')
  world.key = 'second'
  world.now = FRESH_MS - 1
  expect(await ask()).toBe('event first as it was')
  world.now = FRESH_MS
  expect(await ask()).toBe('event second as it was')
  expect(world).toMatchObject({ reads: 2, made: 2 })
})

test('keys that were read while the clock was thirty days ahead are read again when it is back', async () => {
  const { world, ask } = warm()
  world.now = 30 * 24 * 3_600_000
  await ask()
  world.key = 'second'
  world.now = 1000
  expect(await ask()).toBe('event second as it was')
  await ask()
  expect(world.reads).toBe(2)
})

test('keys that are the same make no new handler', async () => {
  const { world, ask } = warm()
  await ask()
  world.now = FRESH_MS
  await ask()
  expect(world).toMatchObject({ reads: 2, made: 1 })
})

test('many events at once read once', async () => {
  const { world, ask } = warm()
  await Promise.all(Array.from({ length: 20 }, ask))
  expect(world).toMatchObject({ reads: 1, made: 1 })
})

test('a function that cannot read its keys again goes on with those it has', async () => {
  const { world, ask } = warm()
  await ask()
  world.key = new Error('Secrets Manager is away')
  world.now = FRESH_MS
  expect(await ask()).toBe('event first as it was')
  world.key = 'second'
  expect(await ask()).toBe('event second as it was')
})

test('a function that never had its keys says why, and tries again at the next event', async () => {
  const { world, ask } = warm()
  world.key = new Error('Secrets Manager is away')
  await expect(ask()).rejects.toThrow('Secrets Manager is away')
  world.key = 'first'
  expect(await ask()).toBe('event first as it was')
})
