/** The file service: what arrives, what is refused, and what remains if a transfer breaks. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Value } from '../../serve/records.ts'
import { sourcesOf } from '../../serve/sources.ts'
import type { PeerId } from '../../shared/ids.ts'
import { exchange, offerOf, oneFile, SENDER, saying, sha256, streamOf, transfer } from './transfers.ts'

let folder: string
let inbox: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'straightway-file-'))
  inbox = join(folder, 'inbox')
})
afterEach(() => rm(folder, { recursive: true }))

async function file(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

const kept = (name: string) => readFile(join(inbox, name), 'utf8')

describe('a transfer', () => {
  test('of a file gives it its name, and leaves nothing else behind', async () => {
    const { sent, received } = await transfer([await file('letter.txt', 'dear all')], { directory: inbox })
    const facts = { name: 'letter.txt', size: 8, sha256: sha256('dear all') }
    expect(sent).toEqual({ files: [facts], bytes: 8, resumedBytes: 0 })
    expect(received).toEqual({
      files: [{ ...facts, path: join(inbox, 'letter.txt') }],
      paths: [join(inbox, 'letter.txt')],
    })
    expect(await kept('letter.txt')).toBe('dear all')
    expect(await readdir(inbox)).toEqual(['letter.txt'])
  })

  test('of several files, folders with folders in them, and empty ones brings all of it', async () => {
    mkdirSync(join(folder, 'trip/day one'), { recursive: true })
    mkdirSync(join(folder, 'trip/nothing'))
    await file('trip/map.png', 'a map')
    await file('trip/day one/empty', '')
    const long = randomBytes(3_000_000)
    const paths = [await file('a.bin', long), join(folder, 'trip'), await file('b.txt', 'b')]
    const { received } = await transfer(paths, { directory: inbox })
    expect(received.paths).toEqual(['a.bin', 'trip', 'b.txt'].map((name) => join(inbox, name)))
    expect((await readFile(join(inbox, 'a.bin'))).equals(long)).toBe(true)
    expect([await kept('trip/map.png'), await kept('trip/day one/empty'), await kept('b.txt')]).toEqual([
      'a map',
      '',
      'b',
    ])
    expect(await readdir(join(inbox, 'trip/nothing'))).toEqual([])
    expect(received.files.map(({ name }) => name)).toEqual([
      'a.bin',
      'trip/day one/empty',
      'trip/map.png',
      'b.txt',
    ])
  })

  test('of a stream ends when the stream does', async () => {
    const { received } = exchange([streamOf('log', 'one ', 'two')], { directory: inbox })
    expect((await received).files).toMatchObject([{ name: 'log', size: 7, sha256: sha256('one two') }])
    expect(await kept('log')).toBe('one two')
  })

  test('tells how far it is, and does not read the file before it sends', async () => {
    const seen: [number, number | undefined][] = []
    const path = await file('a', Buffer.alloc(1_000_000))
    const { sent } = exchange(
      (await sourcesOf([path])).list,
      { directory: inbox },
      {
        progress: (bytes, total) => seen.push([bytes, total]),
      },
    )
    await sent
    expect(seen.length).toBeGreaterThan(2)
    expect(seen.at(-1)).toEqual([1_000_000, 1_000_000])
  })

  test('replaces nothing: files and folders of one name get names of their own', async () => {
    mkdirSync(join(inbox, 'trip'), { recursive: true })
    mkdirSync(join(folder, 'trip'))
    await file('trip/x', 'new')
    await file('a.txt', 'theirs')
    await writeFile(join(inbox, 'a.txt'), 'mine')
    const two = [SENDER, `${'b'.repeat(51)}a` as PeerId].map((from) =>
      transfer([join(folder, 'a.txt'), join(folder, 'trip')], { directory: inbox, from }),
    )
    await Promise.all(two)
    expect((await readdir(inbox)).sort()).toEqual([
      'a (1).txt',
      'a (2).txt',
      'a.txt',
      'trip',
      'trip (1)',
      'trip (2)',
    ])
    expect(await kept('a.txt')).toBe('mine')
    expect(await readdir(join(inbox, 'trip'))).toEqual([])
  })

  test.each([
    ['a name', 'n'.repeat(255)],
    ['one with an extension', `${'é'.repeat(125)}.jpeg`],
    ['one that is all extension', `a.${'x'.repeat(253)}`],
    ['one that would be cut within a character', `${'👩'.repeat(63)}abc`],
  ])('finds a place for %s as long as names can be, again and again', async (_, name) => {
    for (let i = 0; i < 3; i++) await saying({ directory: inbox }, ...oneFile(name, `${i}`)).received
    const names = await readdir(inbox)
    const [first, second] = names.filter((each) => each !== name).sort()
    expect(names).toHaveLength(3)
    expect([first, second]).toEqual([expect.stringContaining(' (1)'), expect.stringContaining(' (2)')])
    for (const each of names) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(255)
    expect(await kept(second!)).toBe('2')
  })

  test('of a path that the file system does not take is refused, and the sender is told why', async () => {
    const path = Array(16).fill('d'.repeat(250)).join('/')
    const folders = path.split('/').map((_, i, all): Value => {
      return { kind: 'folder', path: all.slice(0, i + 1).join('/') }
    })
    const said = [offerOf({ name: 'd', entries: 17, bytes: 0 }), ...folders]
    const { received, answers } = saying({ directory: inbox }, ...said)
    await expect(received).rejects.toMatchObject({ code: 'conflict' })
    expect((await answers).at(-1)).toMatchObject({
      kind: 'failed',
      code: 'conflict',
      detail: 'The receiver has no place for a file of that name (ENAMETOOLONG).',
    })
  })

  test('leaves out what folders have that is refused, and says so', async () => {
    mkdirSync(join(folder, 'site/.git'), { recursive: true })
    await file('site/index.html', 'hello')
    symlinkSync('/etc/passwd', join(folder, 'site/passwords'))
    const { list, skipped } = await sourcesOf([join(folder, 'site')])
    expect(list.map(({ path }) => path)).toEqual(['site', 'site/index.html'])
    expect(skipped).toEqual([
      { path: 'site/.git', why: 'begins with a dot' },
      { path: 'site/passwords', why: 'is a symbolic link' },
    ])
  })
})

describe('a sender cannot', () => {
  test('swap the content of a file that a friend is sending, by a name that is like its temporary one', async () => {
    const bytes = 'rm -rf nothing'
    const attack = ['install.sh.part', 'install.sh', 'install.sh.part'].map((name) =>
      saying({ directory: inbox }, ...oneFile(name, 'evil')),
    )
    const friend = transfer([await file('install.sh', bytes)], { directory: inbox })
    await Promise.all(attack.map(({ received }) => received))
    const [install] = (await friend).received.files
    expect(await readFile(install!.path, 'utf8')).toBe(bytes)
    expect((await readdir(inbox)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test.each([
    ['.bash_profile', 'begins with a dot'],
    ['site/.git/config', 'begins with a dot'],
    ['.straightway/x', 'begins with a dot'],
    ['../../etc/passwd', 'begins with a dot'],
    ['..', 'begins with a dot'],
    ['/etc/passwd', 'has an empty name in it'],
    ['', 'has an empty name in it'],
    ['a//b', 'has an empty name in it'],
    ['C:\\temp\\x.txt', 'has a backslash in it'],
    ['con', 'is reserved on Windows'],
    ['AUX.txt', 'is reserved on Windows'],
    ['com1.tar.gz', 'is reserved on Windows'],
    ['a/LPT9', 'is reserved on Windows'],
    ['notes.', 'ends with a dot or a space'],
    ['notes ', 'ends with a dot or a space'],
    ['a\nb', 'has invisible characters in it'],
    ['\u001b[2Ja', 'has invisible characters in it'],
    ['gpj.\u202eexe', 'has invisible characters in it'],
    ['a\u009bb', 'has invisible characters in it'],
    ['a\0b', 'has invisible characters in it'],
    ['x'.repeat(256), 'is too long'],
    [Array(65).fill('d').join('/'), 'is too long'],
  ])('have a file called %j received', async (name, why) => {
    const { received, answers } = saying({ directory: inbox }, ...oneFile(name, 'bytes'))
    await expect(received).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining(why),
    })
    expect((await answers).at(-1)).toMatchObject({ kind: 'failed', code: 'bad-request' })
    expect(existsSync(inbox) ? await readdir(inbox) : []).toEqual([])
  })

  test.each([
    'conf.txt',
    'company',
    'a b',
    'naïve 日本.txt',
    'x..y',
    '-',
    '~',
  ])('but %j is a name', async (name) => {
    await saying({ directory: inbox }, ...oneFile(name, 'bytes')).received
    expect(await readdir(inbox)).toEqual([name])
  })

  test('write through a symbolic link, or into a folder that it did not send', async () => {
    mkdirSync(inbox)
    symlinkSync(folder, join(inbox, 'docs'))
    const { received } = saying({ directory: inbox }, ...oneFile('docs/stolen', 'bytes'))
    await expect(received).rejects.toMatchObject({ code: 'conflict' })
    await saying({ directory: inbox }, ...oneFile('docs', 'bytes')).received
    expect((await readdir(inbox)).sort()).toEqual(['docs', 'docs (1)'])
    expect(await readdir(folder)).toEqual(['inbox'])
  })

  test.each(['', 'photos'])('reach the home of a peer, nor the folder %j in it', async (below) => {
    mkdirSync(inbox)
    await writeFile(join(inbox, 'identity'), 'a'.repeat(52))
    const { received } = saying({ directory: join(inbox, below) }, ...oneFile('a', 'bytes'))
    await expect(received).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('home'),
    })
    expect(await readdir(inbox)).toEqual(['identity'])
  })

  test.each([
    'identity',
    'photos/identity',
  ])('make a folder look like the home of a peer by %j, so that nothing more could be received', async (name) => {
    const { received } = saying({ directory: inbox }, ...oneFile(name, 'a'.repeat(52)))
    await expect(received).rejects.toMatchObject({ code: 'bad-request' })
    await saying({ directory: inbox }, ...oneFile('next', 'bytes')).received
    expect(await readdir(inbox)).toEqual(['next'])
  })

  test('send other bytes than it says', async () => {
    const [offer, head, , end] = oneFile('a', 'good')
    const { received, answers } = saying({ directory: inbox }, offer!, head!, Buffer.from('evil'), end!)
    await expect(received).rejects.toMatchObject({ code: 'conflict' })
    expect((await answers).at(-1)).toMatchObject({ kind: 'failed', code: 'conflict', again: false })
    expect(await readdir(inbox)).toEqual([])
  })

  test('send more bytes than it says', async () => {
    const [offer, head, bytes] = oneFile('a', 'good')
    const { received } = saying({ directory: inbox }, offer!, head!, bytes!, Buffer.from('and more'))
    await expect(received).rejects.toMatchObject({ code: 'bad-request' })
    expect(await readdir(inbox)).toEqual([])
  })

  test('send more than it may, whether it says how much or not', async () => {
    const large = { directory: inbox, maxBytes: 5 }
    const said = saying(large, ...oneFile('a', '123456'))
    await expect(said.received).rejects.toMatchObject({ code: 'too-large' })
    const { sent, received } = exchange([streamOf('a', '123', '456')], large)
    await expect(received).rejects.toMatchObject({ code: 'too-large' })
    await expect(sent).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('5 bytes'),
    })
    expect(existsSync(inbox) ? await readdir(inbox) : []).toEqual([])
  })

  test.each([
    ['nothing', []],
    ['bytes before an offer', [Buffer.from('hello')]],
    ['another version', [offerOf({ version: 1 })]],
    ['an offer of nothing', [offerOf({ entries: 0 })]],
    ['a size below zero', [offerOf({ bytes: -1 })]],
    ['a file without a path', [offerOf(), { kind: 'file', size: 4 }]],
    ['a size that is no whole number', [offerOf(), { kind: 'file', path: 'a', size: 1.5 }]],
    ['bytes before a file', [offerOf(), Buffer.from('hello')]],
    ['an end that is too early', [offerOf(), { kind: 'file', path: 'a', size: 4 }, { kind: 'end' }]],
    ['a record that nobody knows', [offerOf(), { kind: 'dance' }]],
    ['a link', [offerOf(), { kind: 'link', path: 'a', to: '/etc/passwd' }]],
  ] as const)('make anything of %s', async (_, said) => {
    const { received } = saying({ directory: inbox }, ...said)
    await expect(received).rejects.toMatchObject({ code: expect.stringMatching(/bad-request|closed/) })
    expect(existsSync(inbox) ? await readdir(inbox) : []).toEqual([])
  })
})

describe('who receives decides', () => {
  test('and the sender is told why not', async () => {
    const offers: unknown[] = []
    const { sent, received } = exchange([streamOf('a', 'x')], {
      directory: inbox,
      decide: (offer) => {
        offers.push(offer)
        return 'not today'
      },
    })
    await expect(sent).rejects.toMatchObject({ code: 'refused', message: 'not today' })
    await expect(received).rejects.toMatchObject({ code: 'refused' })
    expect(offers).toEqual([{ name: 'a', entries: 1 }])
    expect(existsSync(inbox)).toBe(false)
  })

  test('unless the sender goes away before', async () => {
    const decide = () => new Promise<boolean>(() => {})
    const { received, cut } = exchange([streamOf('a', 'x')], { directory: inbox, decide })
    setImmediate(cut)
    await expect(received).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('after a break', () => {
  const LONG = randomBytes(2_000_000)

  /** Breaks a transfer while the second half of the file is in flight. */
  async function broken(paths: readonly string[], directory = inbox) {
    const { list } = await sourcesOf(paths)
    const it = exchange(list, {
      directory,
      progress: (bytes) => {
        if (bytes > LONG.length / 2) it.cut()
      },
    })
    await expect(it.received).rejects.toMatchObject({ code: 'closed' })
    await expect(it.sent).rejects.toMatchObject({ code: 'closed' })
    expect((await readdir(inbox)).filter((name) => !name.startsWith('.'))).not.toContain('long')
    return list
  }

  test('the same transfer goes on where it stopped, with files that were whole left as they are', async () => {
    const paths = [await file('first', 'whole'), await file('long', LONG)]
    await broken(paths)
    expect(await kept('first')).toBe('whole')
    const { sent, received } = await transfer(paths, { directory: inbox })
    expect(sent.resumedBytes).toBeGreaterThan(LONG.length / 2)
    expect(sent.bytes).toBe(LONG.length + 5)
    expect(received.files).toMatchObject([{ name: 'long', sha256: sha256(LONG) }])
    expect((await readFile(join(inbox, 'long'))).equals(LONG)).toBe(true)
    expect((await readdir(inbox)).sort()).toEqual(['first', 'long'])
  })

  test('a folder goes on too, and appears when it is whole', async () => {
    mkdirSync(join(folder, 'trip'))
    await file('trip/a', 'a')
    await file('trip/long', LONG)
    await file('trip/z', 'z')
    await broken([join(folder, 'trip')])
    expect(await readdir(inbox)).toEqual(['.straightway'])
    const { sent } = await transfer([join(folder, 'trip')], { directory: inbox })
    expect(sent.resumedBytes).toBeGreaterThan(LONG.length / 2)
    expect((await readdir(join(inbox, 'trip'))).sort()).toEqual(['a', 'long', 'z'])
    expect((await readFile(join(inbox, 'trip/long'))).equals(LONG)).toBe(true)
  })

  test('another sender, or another file of that name, begins from nothing', async () => {
    const path = await file('long', LONG)
    const list = await broken([path])
    const other = exchange(list, { directory: inbox, from: `${'b'.repeat(51)}a` as never })
    expect((await other.sent).resumedBytes).toBe(0)
    await file('long', randomBytes(LONG.length + 1))
    expect((await transfer([path], { directory: inbox })).sent.resumedBytes).toBe(0)
  })

  test('a beginning that differs is found out, and sent again', async () => {
    const path = await file('long', LONG)
    await broken([path])
    const [waiting] = await readdir(join(inbox, '.straightway'))
    const part = join(inbox, '.straightway', waiting!, 'part')
    await truncate(part, 10)
    await writeFile(part, 'something else')
    const { list } = await sourcesOf([path])
    await expect(exchange(list, { directory: inbox }).sent).rejects.toMatchObject({ code: 'closed' })
    expect((await transfer([path], { directory: inbox })).sent.resumedBytes).toBe(0)
    expect((await readFile(join(inbox, 'long'))).equals(LONG)).toBe(true)
  })

  test('a sender that begins again before its first connection is known to be gone goes on too', async () => {
    const path = await file('long', LONG)
    const { list } = await sourcesOf([path])
    let half = () => {}
    const isHalf = new Promise<void>((resolve) => {
      half = resolve
    })
    const first = exchange([...list], {
      directory: inbox,
      progress: (bytes) => bytes > LONG.length / 2 && half(),
    })
    await isHalf
    const { sent } = await transfer([path], { directory: inbox })
    expect(sent.resumedBytes).toBeGreaterThan(LONG.length / 4)
    await expect(first.received).rejects.toMatchObject({ code: 'closed', message: 'The sender began again.' })
    expect((await readFile(join(inbox, 'long'))).equals(LONG)).toBe(true)
    expect(await readdir(inbox)).toEqual(['long'])
  })

  test('what is kept can be read by nobody else', async () => {
    await broken([await file('long', LONG)])
    expect((await stat(join(inbox, '.straightway'))).mode & 0o777).toBe(0o700)
  })

  test('a sender that is stopped says so, and nothing is kept', async () => {
    const { list } = await sourcesOf([await file('long', LONG)])
    const stop = new AbortController()
    const { sent, received } = exchange(
      list,
      { directory: inbox, progress: (bytes) => bytes > LONG.length / 2 && stop.abort() },
      { signal: stop.signal },
    )
    await expect(sent).rejects.toMatchObject({ code: 'closed' })
    await expect(received).rejects.toMatchObject({ code: 'closed', message: 'The sender stopped.' })
    expect(await readdir(inbox)).toEqual([])
  })

  test('a receiver that is stopped says so, and keeps what has come', async () => {
    const { list } = await sourcesOf([await file('long', LONG)])
    const stop = new AbortController()
    const { sent } = exchange(list, {
      directory: inbox,
      signal: stop.signal,
      progress: (bytes) => bytes > LONG.length / 2 && stop.abort(),
    })
    await expect(sent).rejects.toMatchObject({ code: 'refused', message: 'The receiver stopped.' })
    expect((await transfer([join(folder, 'long')], { directory: inbox })).sent.resumedBytes).toBeGreaterThan(
      0,
    )
  })
})

test('a file that changes while it is sent is not sent', async () => {
  const path = await file('a', Buffer.alloc(1_000_000))
  const { list } = await sourcesOf([path])
  await truncate(path, 10)
  await expect(exchange(list, { directory: inbox }).sent).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('changed'),
  })
  expect(existsSync(inbox) ? await readdir(inbox) : []).toEqual([])
})

/** True if the test can mount a file system of 1 MB that only its own process sees. */
const mayMount = spawnSync('unshare', ['-Urm', 'true']).status === 0

test.skipIf(!mayMount)('a full disk at the receiver is named at the sender, announced or not', () => {
  mkdirSync(inbox)
  const program = `
    import { exchange, streamOf } from ${JSON.stringify(join(import.meta.dirname, 'transfers.ts'))}
    import { sourcesOf } from ${JSON.stringify(join(import.meta.dirname, '../../serve/sources.ts'))}
    const MEGABYTE = 'x'.repeat(1 << 20)
    const said = (sources) => exchange(sources, { directory: process.argv[2] }).sent.then(() => 'kept', (error) => error.code + ' ' + error.message)
    console.log(JSON.stringify([
      await said([streamOf('a', MEGABYTE, MEGABYTE)]),
      await said((await sourcesOf([process.argv[3]])).list),
      await said([streamOf('small', 'x')]),
    ]))`
  const script = join(folder, 'full.mts')
  const large = join(folder, 'large')
  execFileSync('truncate', ['-s', '5M', large])
  execFileSync('sh', ['-c', `cat > ${script}`], { input: program })
  const mounted = `mount -t tmpfs -o size=1m tmpfs ${inbox} && exec ${process.execPath} ${script} ${inbox} ${large}`
  const out = execFileSync('unshare', ['-Urm', 'sh', '-c', mounted], { encoding: 'utf8' })
  expect(JSON.parse(out)).toEqual([
    expect.stringMatching(/^unavailable The disk of the receiver is full/),
    expect.stringMatching(/^unavailable The disk of the receiver is full: it has \d+ bytes free/),
    'kept',
  ])
})
