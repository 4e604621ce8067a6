/** What the command line says of itself, and of what it cannot do, where no system is needed. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Commands } from './commands.ts'

const VERBS = ['up', 'find', 'message', 'ping', 'send', 'receive', 'forward', 'doctor']
const PEER = `${'q'.repeat(51)}a`

const folder = mkdtempSync(join(tmpdir(), 'straightway-usage-'))
afterAll(() => rmSync(folder, { recursive: true }))
const home = ['--home', join(folder, 'home')]
/** Port 9 (discard): nobody listens there. */
const nowhere = [...home, '--index', 'http://127.0.0.1:9']
const commands = new Commands({})

test('--help lists every verb, and tells of each what it takes', async () => {
  const all = await Promise.all(
    ['', ...VERBS].map((verb) => commands.run(...verb.split(' ').filter(Boolean), '--help')),
  )
  for (const { code, err } of all) expect([code, err]).toEqual([0, ''])
  const [overview, ...each] = all.map(({ out }) => out)
  for (const [i, verb] of VERBS.entries()) {
    expect(overview).toMatch(new RegExp(`^ +${verb}\\b.*\\.$`, 'm'))
    expect(each[i]).toContain(`Usage: straightway ${verb}`)
    for (const option of ['--index', '--home', '--json']) expect(each[i]).toContain(option)
  }
})

describe('a command that was called wrongly', () => {
  test.concurrent.each([
    ['an unknown verb', ['dance'], 'dance'],
    ['an unknown option', ['find', '--loudly'], '--loudly'],
    ['what is no peer', ['ping', 'nobody'], 'as `straightway find` prints them'],
    ['paths that there are not', ['ping', PEER, '--paths', 'sideways'], 'direct-only'],
    ['a datagram that is too long', ['ping', PEER, '--size', '5000'], 'at most'],
    ['no such file', ['send', PEER, 'nothing-here'], 'No such file'],
    ['what is no port', ['forward', `${PEER}:70000`], '1 to 65535'],
    ['metadata that is no object', ['up', '--metadata', '7'], 'JSON object'],
  ])('with %s exits with 2 and says what is wrong', async (_, args, says) => {
    const { code, out, err } = await commands.run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(says)
  })
})

describe('a command that cannot be done', () => {
  test('where nobody says where INDEX is exits with 1 and asks for it', async () => {
    expect(await commands.fails('find', ...home)).toEqual({
      error: 'bad-request',
      detail: expect.stringContaining('--index URL'),
    })
  })

  test('where INDEX does not answer exits with 1 and says what to check, for people and for programs', async () => {
    const detail =
      'INDEX at http://127.0.0.1:9 does not answer: check the address, and that the system runs there.'
    expect(await commands.fails('find', ...nowhere)).toEqual({ error: 'unavailable', detail })
    expect(await commands.run('find', ...nowhere)).toEqual({
      code: 1,
      out: '',
      err: `straightway: ${detail}\n`,
    })
  })

  test('doctor too, in its own words', async () => {
    const { code, out } = await commands.run('doctor', ...nowhere)
    expect(code).toBe(1)
    expect(out).toContain('check --index')
  })
})
