/** The SDK's package as a stranger gets it: built, packed, installed elsewhere, imported and type-checked there. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPackages, type PackageUnderTest, type Packed, pack } from './package-under-test.ts'

const ROOT = join(import.meta.dirname, '..')
/** The SDK, the CLI and their types; what a node or a function is made of weighs ten times as much. */
const LARGEST_BYTES = 1_500_000

let elsewhere: PackageUnderTest
let packed: Packed
const folder = mkdtempSync(join(tmpdir(), 'straightway-packed-'))

beforeAll(() => {
  elsewhere = installPackages('straightway')
  packed = pack('straightway', folder)
}, 120_000)
afterAll(() => {
  elsewhere?.remove()
  rmSync(folder, { recursive: true, force: true })
})

test('the SDK is imported from plain JavaScript', () => {
  elsewhere.write('a.js', "import { join } from 'straightway'; console.log(typeof join)")
  expect(elsewhere.node('a.js').trim()).toBe('function')
})

test('its types resolve, and need no types of its dependencies', () => {
  elsewhere.write(
    'a.ts',
    `import { join, type Peer, type PeerSocket, type PeerStream } from 'straightway'
     const peer: Peer = await join({ index: 'http://127.0.0.1:1', invite: 'x' })
     const socket: PeerSocket = await peer.connect((await peer.find('status eq "online"'))[0]!.peer)
     socket.send('hello')
     const stream: PeerStream = await socket.createStream({ name: 'x', signal: AbortSignal.timeout(1) })
     stream.setTimeout(1000)
     // @ts-expect-error there is no such method
     socket.shout('hello')
    `,
  )
  elsewhere.link('@types')
  expect(elsewhere.types('a.ts')).toBe('')
}, 60_000)

test('the command line runs', () => {
  const cli = join(elsewhere.installed, 'peer/cli/straightway.js')
  expect(elsewhere.node(cli, '--help')).toContain('Usage: straightway')
})

test('nothing but the SDK, the CLI and the licence is packed: neither functions, nor nodes, nor bundles', () => {
  const tops = new Set(packed.files.map((path) => path.split('/')[0]))
  expect([...tops].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'peer'])
  const built = new Set(
    packed.files.filter((path) => path.startsWith('dist/')).map((path) => path.split('/')[1]),
  )
  expect([...built].sort()).toEqual(['peer', 'shared'])
  expect(packed.unpackedBytes).toBeLessThan(LARGEST_BYTES)
})

test('its page leads back: repository, homepage, keywords, and no link of the README that is relative', () => {
  const manifest = JSON.parse(readFileSync(join(elsewhere.installed, 'package.json'), 'utf8'))
  expect(manifest).toMatchObject({
    repository: { url: expect.stringMatching(/^git\+https:/) },
    homepage: expect.stringMatching(/^https:/),
  })
  expect(manifest.keywords.length).toBeGreaterThan(5)
  const links = (path: string) =>
    [...readFileSync(path, 'utf8').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
  const relative = (all: string[]) => all.filter((target) => !/^(https?:|#)/.test(target))
  expect(relative(links(join(elsewhere.installed, 'README.md')))).toEqual([])
  expect(relative(links(join(ROOT, 'README.md'))).length).toBeGreaterThan(5)
})

test('infra and testing say which package they come from where that is not installed', () => {
  for (const door of ['infra', 'testing']) {
    elsewhere.write(
      'b.js',
      `await import('straightway/${door}').catch(({ message }) => console.log(message))`,
    )
    expect(elsewhere.node('b.js')).toContain("Cannot find package '@straightway/system'")
  }
})
