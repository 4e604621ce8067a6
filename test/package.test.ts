/** The SDK's package as a user gets it: built, packed, installed elsewhere, imported and type-checked there. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressOf, packedLinks } from '../docs/packed-links.ts'
import { installPackages, type PackageUnderTest, type Packed, pack } from './package-under-test.ts'

const ROOT = join(import.meta.dirname, '..')
/** Maximum size: the SDK for Node and for pages, the CLI and their types. The code of a node or a function is ten times as large. */
const LARGEST_BYTES = 1_700_000

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

test('the SDK for browsers is one file without imports, whose types need none of Node', () => {
  elsewhere.write(
    'browser.ts',
    `import { join, type Peer, StraightwayError } from 'straightway/browser'
     const peer: Peer = await join({ index: 'http://127.0.0.1:1', invite: 'x', home: 'me' })
     peer.on('message', ({ body, text }) => [body.byteLength, text.length])
     peer.on('offer', (offer) => offer.refuse('no time'))
     const { peer: friend } = (await peer.find('status eq "online"'))[0]!
     const delivery: 'delivered' | 'stored' = await peer.send(friend, new Uint8Array(1))
     for (const { name } of peer.roster) name.length
     // @ts-expect-error there is no such event
     peer.on('shout', () => {})
    `,
  )
  expect(
    elsewhere.types('browser.ts', '--types', '', '--lib', 'es2023,esnext.disposable,dom,dom.iterable'),
  ).toBe('')
  const bundle = readFileSync(join(elsewhere.installed, 'dist/browser/index.js'), 'utf8')
  expect(bundle).not.toMatch(/\bimport\b|\bprocess\./)
}, 60_000)

test('the command line runs', () => {
  const cli = join(elsewhere.installed, 'cli/straightway.js')
  expect(elsewhere.node(cli, '--help')).toContain('Usage: straightway')
})

test('nothing but the SDK, the CLI, their documents and the licence is packed: neither functions, nor nodes, nor bundles', () => {
  const tops = new Set(packed.files.map((path) => path.split('/')[0]))
  const files = [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'cli',
    'dist',
    'docs',
    'examples',
    'package.json',
    'peer',
  ]
  expect([...tops].sort()).toEqual(files)
  const built = new Set(
    packed.files.filter((path) => path.startsWith('dist/')).map((path) => path.split('/')[1]),
  )
  expect([...built].sort()).toEqual(['browser', 'cli', 'peer', 'serve', 'shared'])
  expect(packed.unpackedBytes).toBeLessThan(LARGEST_BYTES)
})

test('every link of a document that is packed leads somewhere: to what is packed too, or to an address', () => {
  const documents = packed.files.filter((path) => path.endsWith('.md'))
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'peer/README.md', 'docs/recipes.md']))
  const broken = documents.flatMap((document) =>
    linksOf(join(elsewhere.installed, document))
      .filter((target) => !/^(https?:|#)/.test(target))
      .map((target) => posix.join(posix.dirname(document), target.replace(/#.*$/, '')))
      .filter((path) => !packed.files.includes(path))
      .map((path) => `${document}: ${path}`),
  )
  expect(broken).toEqual([])
  expect(linksOf(join(elsewhere.installed, 'README.md'))).toContain('docs/recipes.md')
  expect(linksOf(join(ROOT, 'README.md')).length).toBeGreaterThan(15)
})

test('the documents of the checkout are as they were after packing', () => {
  expect(linksOf(join(ROOT, 'README.md'))).toContain('CONTRIBUTING.md')
  expect(existsSync(join(ROOT, '.documents-of-the-checkout'))).toBe(false)
})

test('a repository, once package.json names one, is where links lead that do not travel', () => {
  const at = (repository: string | undefined) => ({
    document: 'peer/README.md',
    travels: () => false,
    repository,
  })
  const text = '[a](../shared/a.ts#x) ![b](b.svg) [c](net/) [d](https://d.example) [e](#e)'
  const address = addressOf({ url: 'git+https://example.com/t/p.git' })
  expect(packedLinks(text, at(address))).toBe(
    '[a](https://example.com/t/p/blob/main/shared/a.ts) ![b](https://example.com/t/p/raw/main/peer/b.svg) ' +
      '[c](https://example.com/t/p/tree/main/peer/net/) [d](https://d.example) [e](#e)',
  )
  expect(packedLinks(text, at(undefined))).toBe('a  c [d](https://d.example) [e](#e)')
})

test('package.json says what the package is for, and its addresses are all of one repository', () => {
  for (const path of ['package.json', 'system/package.json']) {
    const { repository, homepage, bugs } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
    for (const named of [homepage, bugs])
      if (named !== undefined) expect(named).toContain(addressOf(repository) ?? 'a repository')
  }
  const { keywords } = JSON.parse(readFileSync(join(elsewhere.installed, 'package.json'), 'utf8'))
  expect(keywords.length).toBeGreaterThan(5)
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

const linksOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!)
