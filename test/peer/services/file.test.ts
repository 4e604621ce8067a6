import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { receiveFile } from '../../../peer/services/file.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'straightway-file-'))
})
afterEach(() => rm(directory, { recursive: true }))

const sha256 = (bytes: string) => createHash('sha256').update(bytes).digest('hex')
const head = (facts: object) => `${JSON.stringify(facts)}\n`

/** What a sender says on one side of a stream while the file is received on the other. */
function exchange(...said: string[]) {
  const [sender, receiver] = duplexPair() as [Duplex, Duplex]
  const answer = text(sender).catch(() => '')
  for (const part of said) sender.write(part)
  sender.end()
  return { received: receiveFile(receiver, directory), answer }
}

const sending = (name: string, bytes: string) =>
  exchange(head({ name, size: bytes.length, sha256: sha256(bytes) }), bytes)

test('a file that came whole has its name, and the sender is told so', async () => {
  const { received, answer } = sending('letter.txt', 'dear all')
  const { path } = await received
  expect(path).toBe(join(directory, 'letter.txt'))
  expect(await readFile(path, 'utf8')).toBe('dear all')
  expect(JSON.parse(await answer)).toEqual({ ok: true, sha256: sha256('dear all') })
})

test.each([
  ['../../etc/passwd', 'passwd'],
  ['..', 'file'],
  ['C:\\temp\\x.txt', 'x.txt'],
  ['', 'file'],
])('a file called %j is kept in the directory as %s', async (name, kept) => {
  await sending(name, 'bytes').received
  expect(await readdir(directory)).toEqual([kept])
})

test('files of one name that come at once do not meet', async () => {
  await writeFile(join(directory, 'a.txt'), 'mine')
  const both = [sending('a.txt', 'first'), sending('a.txt', 'second')]
  const paths = await Promise.all(both.map(async ({ received }) => (await received).path))
  expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(['first', 'second'])
  expect((await readdir(directory)).sort()).toEqual(['a (1).txt', 'a (2).txt', 'a.txt'])
  expect(await readFile(join(directory, 'a.txt'), 'utf8')).toBe('mine')
})

test('other bytes than were announced leave nothing behind', async () => {
  const { received, answer } = exchange(head({ name: 'a', size: 4, sha256: sha256('good') }), 'evil')
  await expect(received).rejects.toMatchObject({ code: 'conflict' })
  expect(JSON.parse(await answer)).toEqual({ ok: false, sha256: sha256('evil') })
  expect(await readdir(directory)).toEqual([])
})

test('more bytes than were announced are not taken', async () => {
  const { received } = exchange(head({ name: 'a', size: 4, sha256: sha256('good') }), 'good', 'and more')
  await expect(received).rejects.toMatchObject({ code: 'bad-request' })
  expect(await readdir(directory)).toEqual([])
})

test.each([
  ['no line at all', 'x'.repeat(5000)],
  ['no JSON', 'hello\n'],
  ['no facts', '{}\n'],
  ['nothing', 'null\n'],
  ['no size', head({ name: 'a', size: -1, sha256: '' })],
  ['no whole size', head({ name: 'a', size: 1.5, sha256: '' })],
])('%s is no file', async (_, said) => {
  await expect(exchange(said).received).rejects.toMatchObject({ code: 'bad-request' })
  expect(await readdir(directory)).toEqual([])
})
