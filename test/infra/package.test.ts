/** The constructs used from another CDK app, which has the package but neither its sources nor its tools. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FUNCTIONS, KEY_ROTATION } from '../../infra/functions.ts'
import { installPackages, type PackageUnderTest } from '../package-under-test.ts'

const APP = readFileSync(join(import.meta.dirname, '../../examples/cdk/app.ts'), 'utf8')
const WRONG = `
  import { parseConfig } from 'straightway/infra'
  // @ts-expect-error there is no such setting
  export const wrong = () => parseConfig({ name: 'theirs', size: 'big' })
`

let elsewhere: PackageUnderTest

beforeAll(() => {
  elsewhere = installPackages('straightway', '@straightway/system')
  for (const name of ['aws-cdk-lib', 'constructs', 'zod', '@types']) elsewhere.link(name)
  elsewhere.write('app.ts', APP)
  elsewhere.write('wrong.ts', WRONG)
})
afterAll(() => elsewhere?.remove())

test('their types resolve', () => {
  expect(elsewhere.types('app.ts', 'wrong.ts', '--skipLibCheck')).toBe('')
})

test('they synthesise, with every function and what a node runs', () => {
  expect(elsewhere.node('app.ts')).toBe('')
  const out = join(elsewhere.folder, 'out')
  const templates = readdirSync(out).filter((name) => name.endsWith('.template.json'))
  expect(templates.sort()).toEqual(
    ['own', ...['api', 'data', 'edge', 'watch'].map((stack) => `straightway-theirs-${stack}`)].map(
      (stack) => `${stack}.template.json`,
    ),
  )
  const assets = readdirSync(out).map((name) => join(out, name))
  const having = (file: string) => assets.filter((asset) => existsSync(join(asset, file)))
  expect(having('index.mjs')).toHaveLength([...Object.values(FUNCTIONS), KEY_ROTATION].length)
  expect(having('main.mjs')).toHaveLength(['nodes', 'relays'].length)
  expect(having('node_modules/sodium-native/prebuilds/linux-arm64')).toHaveLength(
    ['nodes', 'relays', 'canary'].length,
  )
  expect(having('node_modules/udx-native/prebuilds/linux-arm64')).toHaveLength(['canary'].length)
  expect(having('prebuilds/linux-arm64/udp.node')).toHaveLength(2)
})
