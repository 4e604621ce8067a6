import { expect, test } from 'vitest'
import { parseConfig } from '../../infra/config.ts'
import { ENVIRONMENT_NAMES, environment } from '../../infra/environments.ts'
import { StraightwayError } from '../../shared/errors.ts'

test('a name is enough: every other value has a default that is safe for data', () => {
  const config = parseConfig({ name: 'prod' })
  expect(config).toMatchObject({ retain: true, backupDays: 35, tracing: false })
  expect(config.nodes).toMatchObject({ instance: 't4g.small', min: 2 })
})

test.each([
  [
    'a single node',
    { nodes: { instance: 't4g.small', min: 1, max: 3, drainMinutes: 5 } },
    'STUN needs a pair',
  ],
  [
    'a group that cannot grow',
    { relays: { instance: 'c7gn.medium', min: 2, max: 2, drainMinutes: 5 } },
    'max must exceed min',
  ],
  [
    'an instance of another architecture',
    { relays: { instance: 'c7i.large', min: 1, max: 2, drainMinutes: 5 } },
    'Graviton',
  ],
  [
    'a domain without a certificate',
    { domain: { name: 'index.example.com', certificateArn: 'none' } },
    'certificateArn',
  ],
  [
    'a second region that is home',
    { regions: { home: 'eu-west-1', second: 'eu-west-1' } },
    'must be another one than home',
  ],
  ['a second region without a home', { regions: { second: 'eu-west-1' } }, 'regions.home'],
  ['a region that is none', { regions: { home: 'eu-west-1', second: 'europe' } }, 'not a region of AWS'],
  [
    'a second region of an emulator',
    { regions: { home: 'eu-west-1', second: 'us-east-1' }, emulator: { endpoint: 'http://127.0.0.1:4566' } },
    'an emulator has no second region',
  ],
  ['a field that does not exist', { retian: true }, 'retian'],
])('%s is refused with a word about it', (_, input, word) => {
  const parse = () => parseConfig({ name: 'test', ...(input as object) })
  expect(parse).toThrow(StraightwayError)
  expect(parse).toThrow(word)
})

test('a setting inside a group changes that setting and keeps the defaults of the others', () => {
  const { nodes, relays, api, network } = parseConfig({
    name: 'acme',
    nodes: { min: 3 },
    relays: { targetLoad: 0.5 },
    api: { concurrency: { rest: 20 } },
    network: { cidr: '10.7.0.0/16' },
  })
  expect(nodes).toEqual({ instance: 't4g.small', min: 3, max: 6, targetLoad: 0.6, drainMinutes: 10 })
  expect(relays).toMatchObject({ instance: 'c7gn.medium', min: 1, targetLoad: 0.5 })
  expect(api.concurrency).toEqual({ rest: 20, gateway: 50 })
  expect(network).toEqual({ cidr: '10.7.0.0/16', zones: 2 })
})

test('every environment is valid, and one that is not there is told with those that are', () => {
  for (const name of ENVIRONMENT_NAMES) expect(environment(name).name).toBe(name)
  expect(() => environment('production')).toThrow('dev, prod, emulator')
})
