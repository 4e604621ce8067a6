/** The package as a stranger gets it: built, packed, installed elsewhere, imported and type-checked there. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const elsewhere = mkdtempSync(join(tmpdir(), 'straightway-package-'))
const installed = join(elsewhere, 'node_modules')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: elsewhere, encoding: 'utf8' })

/** Dependencies are those of the checkout: what is tested is our own part, and no registry is asked. */
beforeAll(() => {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', elsewhere], {
    cwd: root,
    encoding: 'utf8',
  })
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }]
  mkdirSync(join(installed, 'straightway'), { recursive: true })
  execFileSync('tar', [
    '-xzf',
    join(elsewhere, filename),
    '--strip-components=1',
    '-C',
    join(installed, 'straightway'),
  ])
  const { dependencies } = JSON.parse(node('-p', 'JSON.stringify(require("straightway/package.json"))')) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(dependencies))
    symlinkSync(join(root, 'node_modules', name), join(installed, name))
  writeFileSync(join(elsewhere, 'package.json'), '{ "type": "module" }')
}, 120_000)

afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

test('the SDK is imported from plain JavaScript', () => {
  writeFileSync(join(elsewhere, 'a.js'), "import { join } from 'straightway'; console.log(typeof join)")
  expect(node('a.js').trim()).toBe('function')
})

test('its types resolve, and need no types of its dependencies', () => {
  writeFileSync(
    join(elsewhere, 'a.ts'),
    `import { join, type Peer, type PeerSocket } from 'straightway'
     const peer: Peer = await join({ index: 'http://127.0.0.1:1', invite: 'x' })
     const socket: PeerSocket = await peer.connect((await peer.find('status eq "online"'))[0]!.peer)
     socket.send('hello')
     // @ts-expect-error there is no such method
     socket.shout('hello')
    `,
  )
  symlinkSync(join(root, 'node_modules/@types'), join(installed, '@types'))
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
  expect(node(tsc, ...flags, 'a.ts')).toBe('')
}, 60_000)

test('the command line runs', () => {
  expect(node(join(installed, 'straightway/peer/cli/straightway.js'), '--help')).toContain(
    'Usage: straightway',
  )
})

test('nothing but the package and its licence is packed', () => {
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--dry-run', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
  )
  const tops = new Set(
    (packed as [{ files: { path: string }[] }])[0].files.map(({ path }) => path.split('/')[0]),
  )
  expect([...tops].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'peer'])
})
