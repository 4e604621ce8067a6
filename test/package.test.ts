/** The package as a stranger gets it: built, packed, installed elsewhere, imported and type-checked there. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPackage, type PackageUnderTest } from './package-under-test.ts'

let elsewhere: PackageUnderTest

beforeAll(() => {
  elsewhere = installPackage()
}, 120_000)
afterAll(() => elsewhere?.remove())

test('the SDK is imported from plain JavaScript', () => {
  elsewhere.write('a.js', "import { join } from 'straightway'; console.log(typeof join)")
  expect(elsewhere.node('a.js').trim()).toBe('function')
})

test('its types resolve, and need no types of its dependencies', () => {
  elsewhere.write(
    'a.ts',
    `import { join, type Peer, type PeerSocket } from 'straightway'
     const peer: Peer = await join({ index: 'http://127.0.0.1:1', invite: 'x' })
     const socket: PeerSocket = await peer.connect((await peer.find('status eq "online"'))[0]!.peer)
     socket.send('hello')
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

test('nothing but the package and its licence is packed', () => {
  const tops = new Set(elsewhere.files.map((path) => path.split('/')[0]))
  expect([...tops].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'peer'])
})
