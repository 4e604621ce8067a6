import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { enrolledAt, homeInMemory, openHome } from '../../../peer/home/home.ts'
import { makeFolder } from '../../../shared/files/make-folder.ts'
import { type PeerId, peerIdOf, type UserId } from '../../../shared/ids.ts'

const INDEX = 'http://127.0.0.1:8787'
const USER = 'u_aaaaaaaaaaaaaaaa' as UserId
const OTHER: PeerId = peerIdOf(new Uint8Array(32).fill(3))

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'straightway-home-'))
  path = join(directory, 'home')
})
afterEach(() => rm(directory, { recursive: true }))

/** Starts a process that opens the home and holds it until it is killed. */
async function holder() {
  const script = `
    import { openHome } from ${JSON.stringify(new URL('../../../peer/home/home.ts', import.meta.url).href)}
    openHome(${JSON.stringify(path)})
    console.log('open')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

describe('a home', () => {
  test('is the same peer every time it is opened, and another one elsewhere', () => {
    const first = openHome(path)
    first.close()
    const again = openHome(path)
    again.close()
    const elsewhere = openHome(join(directory, 'elsewhere'))
    elsewhere.close()
    expect(again.seed).toEqual(first.seed)
    expect(elsewhere.seed).not.toEqual(first.seed)
  })

  test('can be read by nobody else', async () => {
    openHome(path).close()
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(path, 'identity'))).mode & 0o777).toBe(0o600)
  })

  test('knows where it is enrolled, open or not', () => {
    const home = openHome(path)
    expect(home.enrolled).toBeUndefined()
    home.enrol({ index: INDEX, user: USER })
    expect(enrolledAt(path)).toEqual({ index: INDEX, user: USER })
    home.close()
    const again = openHome(path)
    expect(again.enrolled).toEqual({ index: INDEX, user: USER })
    again.close()
  })

  test('remembers what was delivered, whatever a crash did to the last line', async () => {
    const home = openHome(path)
    for (const sequence of [1, 2, 3]) home.deliver({ from: OTHER, epoch: 7, sequence })
    home.deliver({ from: OTHER, epoch: 8, sequence: 1 })
    home.close()
    await writeFile(join(path, 'delivered'), `${await readFile(join(path, 'delivered'))}${OTHER} 8`)
    const again = openHome(path)
    expect(again.delivered).toEqual([
      { sender: OTHER, epoch: 7, delivered: [1, 2, 3] },
      { sender: OTHER, epoch: 8, delivered: [1] },
    ])
    again.close()
  })

  test('forgets the older half when much was delivered', () => {
    const home = openHome(path)
    for (let sequence = 1; sequence <= 10_001; sequence++) home.deliver({ from: OTHER, epoch: 7, sequence })
    home.close()
    const again = openHome(path)
    const delivered = again.delivered[0]?.delivered ?? []
    expect([delivered.length, delivered[0], delivered.at(-1)]).toEqual([5000, 5002, 10_001])
    again.close()
  })

  test('says which file is damaged', async () => {
    openHome(path).close()
    await writeFile(join(path, 'identity'), 'not an identity')
    expect(() => openHome(path)).toThrow(/identity is no identity/)
    await rm(join(path, 'identity'))
    await writeFile(join(path, 'index.json'), '{"index":')
    expect(() => openHome(path)).toThrow(/index\.json is damaged/)
    await rm(join(path, 'index.json'))
    openHome(path).close()
  })
})

test('a folder is made with those above it, whoever makes it first; a file in its place is an error', async () => {
  const deep = join(directory, 'a/b/c')
  for (const _ of ['made', 'there']) makeFolder(deep, 0o700)
  expect((await stat(deep)).mode & 0o777).toBe(0o700)
  await writeFile(join(directory, 'file'), '')
  expect(() => makeFolder(join(directory, 'file'))).toThrow(/EEXIST/)
  expect(() => makeFolder(join(directory, 'file/below'))).toThrow(/ENOTDIR/)
})

describe('two processes', () => {
  test('cannot have the same home, and the second is told which process has it', async () => {
    const child = await holder()
    try {
      expect(() => openHome(path)).toThrow(new RegExp(`in use by process ${child.pid}`))
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('follow each other, even when the first one was killed', async () => {
    const child = await holder()
    child.kill('SIGKILL')
    await once(child, 'exit')
    openHome(path).close()
    expect((await readdir(path)).sort()).toEqual(['identity'])
  })

  test('are told apart although the second has the id of the first', async () => {
    openHome(path).close()
    await writeFile(join(path, 'lock'), `${process.pid} 1`)
    openHome(path).close()
  })
})

test('the prekeys of a home are kept for its owner alone, and those left out are in no file', async () => {
  const [kept, erased] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const home = openHome(path)
  expect(home.prekeys).toEqual([])
  home.keepPrekeys([{ secretKey: erased, signedAt: 5, retiredAt: 9 }])
  home.keepPrekeys([{ secretKey: kept, signedAt: 7 }])
  home.close()
  expect((await stat(join(path, 'prekeys'))).mode & 0o777).toBe(0o600)
  const again = openHome(path)
  expect(again.prekeys).toEqual([{ secretKey: kept, signedAt: 7 }])
  again.close()
  await writeFile(join(path, 'prekeys'), 'damaged 1\n\n7 7 7\n')
  const damaged = openHome(path)
  expect(damaged.prekeys).toEqual([])
  damaged.close()
})

test('a home in memory stores prekeys only for an identity that ends with it', () => {
  expect(homeInMemory().prekeys).toEqual([])
  expect(homeInMemory(new Uint8Array(32)).prekeys).toBeUndefined()
})

test('a home in memory takes a seed of 32 bytes and no other', () => {
  const seed = new Uint8Array(32).fill(9)
  expect(homeInMemory(seed).seed).toEqual(seed)
  expect(() => homeInMemory(new Uint8Array(31))).toThrow(/32 bytes/)
})
