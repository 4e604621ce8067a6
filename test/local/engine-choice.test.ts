import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEngine } from '../../local/engine.ts'
import { chooseEngine, type Machine, packageOf, thisMachine } from '../../local/engine-choice.ts'
import { createClient } from '../../shared/store/client.ts'

const BARE: Machine = {
  platform: 'darwin',
  arch: 'arm64',
  isMusl: false,
  embedded: () => undefined,
  jar: undefined,
  has: () => false,
}

describe('the DynamoDB of a machine', () => {
  test.each([
    ['linux', 'x64', false, '@dynoxide/linux-x64'],
    ['linux', 'arm64', false, '@dynoxide/linux-arm64'],
    ['linux', 'x64', true, '@dynoxide/linux-x64-musl'],
    ['darwin', 'arm64', false, '@dynoxide/darwin-arm64'],
  ])('%s-%s, musl %s: the package is %s', (platform, arch, isMusl, name) => {
    expect(packageOf({ platform, arch, isMusl })).toBe(name)
  })

  test('is the engine of its own platform where that is installed, never that of another C library', () => {
    const embedded = (name: string) => (name === '@dynoxide/linux-x64' ? '/engine' : undefined)
    const linux = { ...BARE, platform: 'linux', arch: 'x64', embedded }
    expect(chooseEngine(linux)).toMatchObject({ kind: 'embedded', command: '/engine' })
    expect(() => chooseEngine({ ...linux, isMusl: true })).toThrow(/linux-x64 with musl/)
  })

  test('is DynamoDB Local by Java where its folder is named, before Docker', () => {
    const java = chooseEngine({ ...BARE, jar: '/local/DynamoDBLocal.jar', has: () => true })
    expect([java.kind, java.command]).toEqual(['java', 'java'])
    expect(java.args(8000, undefined)).toEqual([
      '-Djava.library.path=/local/DynamoDBLocal_lib',
      ...['-jar', '/local/DynamoDBLocal.jar', '-sharedDb', '-disableTelemetry', '-port', '8000', '-inMemory'],
    ])
    expect(java.args(8000, '/data')).toEqual(expect.arrayContaining(['-dbPath', '/data']))
  })

  test('is DynamoDB Local by Docker where that runs, on loopback only', () => {
    const docker = chooseEngine({ ...BARE, has: (command) => command === 'docker' })
    expect(docker.kind).toBe('docker')
    expect(docker.args(8000, undefined)).toEqual(
      expect.arrayContaining(['-p', '127.0.0.1:8000:8000', '-inMemory']),
    )
    expect(docker.args(8000, '/kept').join(' ')).toContain('-v /kept:/data')
  })

  test('is told how to be had where there is none', () => {
    expect(() => chooseEngine(BARE)).toThrow(
      /npm install --no-save @dynoxide\/darwin-arm64.*install Java.*start Docker.*DYNAMODB_ENDPOINT/,
    )
    expect(() => chooseEngine({ ...BARE, has: (command) => command === 'java' })).toThrow(
      /set DYNAMODB_LOCAL/,
    )
  })
})

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'an engine that only answers and says nothing, as DynamoDB Local does, is waited for and used',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'straightway-java-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { command } = chooseEngine(thisMachine())
    // A `java` that understands DynamoDB Local's -port: behind it is a real DynamoDB, a second late and silent.
    const java = join(folder, 'java')
    writeFileSync(
      java,
      `#!/bin/sh\nwhile [ "$1" != -port ]; do shift; done\nexec "${command}" --host 127.0.0.1 --port "$2" >/dev/null 2>&1\n`,
    )
    chmodSync(java, 0o755)
    const choice = {
      ...chooseEngine({ ...BARE, jar: join(folder, 'DynamoDBLocal.jar'), has: () => true }),
      command: java,
    }
    const engine = await startEngine({}, choice)
    onTestFinished(() => engine.close())
    const client = createClient(engine)
    onTestFinished(() => client.destroy())
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([])
  },
)
