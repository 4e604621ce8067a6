/** Checks the templates by CloudFormation's own rules: schemas of every resource, regions, references, policies. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, expect, test } from 'vitest'
import { stacksOf } from '../../infra/system.ts'
import { installPython } from '../../local/cloud/python-package.ts'
import { CONFIGURATIONS, configured, HOME, SECOND } from './configurations.ts'

const VERSION = '1.58.0'
/** Python program that runs cfn-lint. The package cannot be run as a module by its name. */
const PROGRAM = 'import sys; from cfnlint.runner import main; sys.exit(main())'
/** Rule against a dependency that a reference already implies. The CDK generates those. */
const IGNORED = ['W3005']

const folder = mkdtempSync(join(tmpdir(), 'straightway-templates-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Returns findings as `rule file place message`, for the files that CloudFormation would be given. */
function lint(files: readonly string[]): string[] {
  const { python, env } = installPython('cfn-lint', VERSION, console.warn)
  const options = ['--format', 'parseable', '--ignore-checks', ...IGNORED, '--regions', HOME, SECOND]
  const { stdout, stderr } = spawnSync(python, ['-c', PROGRAM, ...options, '--', ...files], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
}

function written(name: string, templates: Readonly<Record<string, unknown>>): string[] {
  const place = join(folder, name.replaceAll(' ', '-'))
  mkdirSync(place, { recursive: true })
  return Object.entries(templates).map(([stack, template]) => {
    const file = join(place, `${stack}.json`)
    writeFileSync(file, JSON.stringify(template))
    return file
  })
}

test('no template of any configuration has a finding', () => {
  const files = CONFIGURATIONS.flatMap((name) => {
    const stacks = stacksOf(configured(name))
    const templates = stacks.map((stack) => [stack.stackName, Template.fromStack(stack).toJSON()])
    return written(name, Object.fromEntries(templates))
  })
  expect(files.length).toBeGreaterThan(20)
  expect(lint(files)).toEqual([])
}, 600_000)

test('the rules do find something: a property that a queue does not have', () => {
  const queue = { Type: 'AWS::SQS::Queue', Properties: { Colour: 'red' } }
  const findings = lint(written('careless', { queue: { Resources: { Queue: queue } } }))
  expect(findings.join()).toContain("E3002:Additional properties are not allowed ('Colour' was unexpected)")
})
