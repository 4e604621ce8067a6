/** The process that executes nftables commands, when it misbehaves: stand-ins for `nft` on the PATH. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { disableForwarding } from '../../udp-edge/kernel-relay/forwarding.ts'
import { Nft } from '../../udp-edge/kernel-relay/nft.ts'
import { IPV4 } from '../../udp-edge/kernel-relay/rules.ts'

const { PATH } = process.env
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nft-'))
  process.env.PATH = `${folder}:${PATH}`
})

afterEach(() => {
  process.env.PATH = PATH
  rmSync(folder, { recursive: true })
})

/** Replaces `nft` by a script that writes its process id to a file. */
function nftIs(script: string): void {
  const file = join(folder, 'nft')
  writeFileSync(file, `#!/bin/sh\necho $$ > ${folder}/pid\n${script}\n`)
  chmodSync(file, 0o755)
}

const isAlive = () => {
  try {
    return process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
  } catch {
    return false
  }
}

const failureOf = (answerMs: number, use: (nft: Nft) => void) =>
  new Promise<string>((failed) => use(new Nft(failed, answerMs)))

const HANGS = 'exec sleep 600'
const DEAF = `trap '' TERM; ${HANGS}`
const ANSWERS_ONCE = `read -r _; printf 'table ip t {\\n}\\n'; ${HANGS}`

test.each([
  ['hangs', HANGS],
  ['hears no signal', DEAF],
  ['stops after its first answer', ANSWERS_ONCE],
])('a process that %s is killed, and whoever relies on it is told', async (_, script) => {
  nftIs(script)
  const why = await failureOf(300, (nft) => {
    for (const _ of [1, 2]) void nft.ask('list table ip t')
  })
  expect(why).toBe('nft has not answered for 300 ms')
  expect(isAlive()).toBe(false)
})

test('a process that answers in time is asked for as long as it is needed', async () => {
  nftIs(`while read -r _; do sleep 0.1; printf 'table ip t {\\n}\\n'; done`)
  const failures: string[] = []
  const nft = new Nft((why) => failures.push(why), 2000)
  // All 25 together take longer than one of them may.
  await Promise.all(Array.from({ length: 25 }, () => nft.ask('list table ip t')))
  await nft.close()
  expect(failures).toEqual([])
})

test('what it complains of is told, although it goes on', async () => {
  nftIs(`echo 'Error: no such table' >&2; ${DEAF}`)
  expect(await failureOf(60_000, (nft) => nft.run(['list table ip t']))).toBe('Error: no such table')
  expect(isAlive()).toBe(false)
})

test('closing ends a process that does not end by itself', async () => {
  nftIs(`echo ready; ${DEAF}`)
  const nft = new Nft(() => expect.unreachable())
  await expect.poll(isAlive).toBe(true)
  await nft.close()
  expect(isAlive()).toBe(false)
})

test('a command that hangs does not hold up the relay for long', () => {
  nftIs(HANGS)
  const startedAt = performance.now()
  expect(() => disableForwarding(IPV4, [])).toThrow('ETIMEDOUT')
  expect(performance.now() - startedAt).toBeLessThan(5000)
})
