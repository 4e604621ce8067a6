import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEngine } from '../../local/engine.ts'
import {
  chooseEngine,
  ENGINE_VERSION,
  type Machine,
  packageOf,
  thisMachine,
} from '../../local/engine-choice.ts'
import { offerEngine } from '../../local/engine-offer.ts'
import { createClient } from '../../shared/store/client.ts'

const BARE: Machine = {
  platform: 'darwin',
  arch: 'arm64',
  isMusl: false,
  glibc: undefined,
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

test('glibc older than the engine needs: another DynamoDB is taken, and the reason said', () => {
  const old = { ...BARE, platform: 'linux', arch: 'x64', glibc: '2.31', embedded: () => '/engine' }
  expect(chooseEngine({ ...old, has: (command) => command === 'docker' }).kind).toBe('docker')
  expect(() => chooseEngine(old)).toThrow(/glibc 2\.33 or later \(here is 2\.31\)/)
  for (const glibc of ['2.33', '2.40', '3.0']) expect(chooseEngine({ ...old, glibc }).kind).toBe('embedded')
})

describe('npm start where the platform has no engine', () => {
  /** Returns what is printed and installed if the registry has these packages. */
  async function offered(machine: Machine, published: string[], answer?: boolean, failing = false) {
    const [said, installed]: [string[], string[][]] = [[], []]
    await offerEngine({
      machine,
      isPublished: async (spec) => published.includes(spec),
      agree: answer === undefined ? undefined : async (question) => said.push(question) > 0 && answer,
      install: async (args) => {
        if (failing) throw new Error('the disk is full')
        installed.push([...args])
      },
      say: (line) => void said.push(line),
    })
    return { said: said.join('\n'), installed }
  }
  const spec = `@dynoxide/darwin-arm64@${ENGINE_VERSION}`
  const docker = { ...BARE, has: (command: string) => command === 'docker' }

  test('offers that of the registry, and installs it if somebody at the terminal agrees', async () => {
    const { said, installed } = await offered(BARE, [spec], true)
    expect(said).toBe(
      `\`npm install --no-save ${spec}\` brings the embedded DynamoDB of this platform.\nRun it now? [Y/n] `,
    )
    expect(installed).toEqual([['install', '--no-save', spec]])
  })

  test('installs nothing where somebody says no, or nobody can be asked', async () => {
    for (const answer of [false, undefined]) {
      const { said, installed } = await offered(docker, [spec], answer)
      expect(said).toMatch(/npm install --no-save.*DynamoDB Local is used instead, by Docker\.$/s)
      expect(installed).toEqual([])
    }
  })

  test('says what is used where the registry has none, or it cannot be installed', async () => {
    const java = { ...docker, jar: '/local/DynamoDBLocal.jar', has: () => true }
    expect((await offered(java, [], true)).said).toBe(
      `The registry has no embedded DynamoDB for this platform (${spec}).\nDynamoDB Local is used instead, by Java.`,
    )
    expect((await offered(docker, [spec], true, true)).said).toContain(
      'It could not be installed: the disk is full\nDynamoDB Local is used instead, by Docker.',
    )
  })

  test('asks no registry where the engine is there, nor where it would not start', async () => {
    const linux = { ...BARE, platform: 'linux', arch: 'x64', embedded: () => '/engine' }
    expect(await offered({ ...linux, glibc: '2.36' }, [])).toEqual({ said: '', installed: [] })
    expect((await offered({ ...linux, glibc: '2.31' }, [])).said).toBe(
      'The embedded DynamoDB needs glibc 2.33; here is 2.31.',
    )
  })

  test('offers the version that the packages depend on', () => {
    const { optionalDependencies } = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../system/package.json'), 'utf8'),
    )
    expect(optionalDependencies['@dynoxide/linux-x64']).toBe(ENGINE_VERSION)
  })
})

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'an engine that only answers and says nothing, as DynamoDB Local does, is waited for and used',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'straightway-java-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { command } = chooseEngine(thisMachine())
    // A `java` that accepts DynamoDB Local's -port. Behind it is a real DynamoDB that starts a second late and prints
    // nothing.
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
