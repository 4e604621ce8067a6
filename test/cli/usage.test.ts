/** The help and the errors of the command line that need no system. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Commands } from './commands.ts'

const VERBS = [
  ...['up', 'down', 'status', 'logs', 'whoami', 'find', 'presence', 'message', 'send', 'receive', 'ping'],
  ...['forward', 'networks', 'members', 'invite', 'block', 'unblock', 'leave', 'doctor'],
]
const PEER = `${'q'.repeat(51)}a`

const folder = mkdtempSync(join(tmpdir(), 'straightway-usage-'))
afterAll(() => rmSync(folder, { recursive: true }))
const home = ['--home', join(folder, 'home')]
/** An INDEX at port 9 (discard), where nothing listens. */
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
    for (const option of ['--home', '--json']) expect(each[i]).toContain(option)
  }
  expect(overview).toContain('Exit codes: 0 done, 1 it failed, 2 called wrongly.')
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  expect(await commands.run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
})

describe('a command that was called wrongly', () => {
  test.concurrent.each([
    ['an unknown verb', ['dance'], 'dance'],
    ['an unknown option', ['find', '--loudly'], '--loudly'],
    ['what is no name', ['ping', ''], 'as `straightway find` prints them'],
    ['what is no size', ['receive', '--max-size', 'huge'], 'such as 500k'],
    ['what is no time', ['invite', '--valid', 'long'], 'such as 30m'],
    ['a shell that nobody knows', ['completion', 'csh'], 'bash'],
    ['paths that there are not', ['ping', PEER, '--paths', 'sideways'], 'direct-only'],
    ['a datagram that is too long', ['ping', PEER, '--size', '5000'], 'at most'],
    ['no such file', ['send', PEER, 'nothing-here'], 'No such file'],
    ['what is no port', ['forward', `${PEER}:70000`], '1 to 65535'],
    ['an empty home', ['whoami', '--home', ''], 'Not a folder'],
    ['no folder to receive into', ['receive', '--dir', ''], 'Not a folder'],
    ['none for a peer that is up', ['up', '--receive', ''], 'Not a folder'],
    ['metadata that is no object', ['up', '--metadata', '7'], 'JSON object'],
    ['what is no address of INDEX', ['find', '--index', 'here'], 'Not an address'],
    ['an address that is none', ['find', '--index', 'http://127.0.0.1:99999'], 'Not an address'],
    ['an address of something else', ['doctor', '--index', 'ftp://example.com'], 'Not an address'],
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

  test('where variables are empty is as if they were not set', async () => {
    const empty = new Commands({ STRAIGHTWAY_INDEX: '', STRAIGHTWAY_INVITE: '' })
    expect((await empty.fails('find', ...home)).detail).toContain('--index URL')
  })

  /** Every verb that creates a home. Verbs that only read are excluded, because there is no home to read. */
  const MAKING = [
    ['up'],
    ['up', '--detach'],
    ['whoami'],
    ['find'],
    ['presence'],
    ['message', PEER, 'hello'],
    ['send', PEER, import.meta.filename],
    ['receive'],
    ['ping', PEER],
    ['forward', `${PEER}:80`],
    ['networks'],
    ['members'],
    ['invite'],
    ['block'],
    ['unblock', PEER],
    ['leave', 'first'],
  ]
  const IMPOSSIBLE = '/proc/straightway/home'
  const isLinux = process.platform === 'linux'

  const impossible = {
    error: expect.any(String),
    detail: '/proc/straightway cannot be made there: choose another place.',
  }

  test.skipIf(!isLinux).each(MAKING)(
    'as %s with a home that cannot be made exits with 1 and says so',
    async (...verb) => {
      const set = new Commands({ STRAIGHTWAY_HOME: IMPOSSIBLE })
      expect(await set.fails(...verb, ...nowhere.slice(2))).toEqual(impossible)
    },
  )

  test.skipIf(!isLinux)('with such a home that an option names says the same', async () => {
    expect(await commands.fails('whoami', '--home', IMPOSSIBLE, ...nowhere.slice(2))).toEqual(impossible)
  })

  test.skipIf(!isLinux)('that only looks into a home finds nothing where there is none', async () => {
    const set = new Commands({ STRAIGHTWAY_HOME: IMPOSSIBLE })
    expect(await set.json('status')).toEqual({ up: false })
    expect(await set.json('down')).toEqual({ down: false })
    expect(await set.run('logs')).toMatchObject({ code: 0, out: '' })
    expect((await set.fails('service', 'install')).detail).toContain('is not enrolled yet')
  })

  test('in the home of an empty variable writes into no other folder', async () => {
    const set = new Commands({ STRAIGHTWAY_HOME: '' })
    for (const verb of ['up', 'logs']) {
      const { code, err } = await set.run(verb)
      expect([verb, code]).toEqual([verb, 2])
      expect(err).toContain('Not a folder')
    }
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

  test.each([
    ['is a file', 'file', 'is there already, and is no folder'],
    ['is below a file', 'file/home', 'is no folder'],
    ['may not be written', '/proc/straightway', '/proc/straightway'],
  ])('where the home %s says so in one line, and what to do', async (_, path, says) => {
    writeFileSync(join(folder, 'file'), '')
    const { code, out, err } = await commands.run('find', '--home', join(folder, path), ...nowhere.slice(2))
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^straightway: [^\n]+\n$/)
    expect(err).toContain(path.startsWith('/') ? 'straightway' : says)
  })

  const isRoot = process.geteuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0
  test.skipIf(!isRoot)(
    'where the home or the file is of somebody else says so, and not that there is none',
    () => {
      const own = join(folder, 'own')
      mkdirSync(own, { mode: 0o700 })
      chmodSync(folder, 0o755)
      writeFileSync(join(own, 'letter'), 'secret')
      writeFileSync(join(own, 'index.json'), '{"index":"http://127.0.0.1:9","user":"u_aaaaaaaaaaaaaaaa"}')
      const stranger = (...args: string[]) => {
        const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
        const cli = join(import.meta.dirname, '../../cli/straightway.js')
        return spawnSync('setpriv', [...nobody, process.execPath, cli, ...args], { encoding: 'utf8' })
      }
      for (const verb of ['find', 'status', 'down', 'whoami'])
        expect(stranger(verb, '--home', own).stderr, verb).toMatch(
          /^straightway: \S+ may not be used: give yourself the right to, or choose another place\.\n$/,
        )
      const sent = stranger('send', PEER, join(own, 'letter'), ...nowhere)
      expect([sent.status, sent.stderr]).toEqual([
        1,
        expect.stringContaining('cannot be read: ask its owner'),
      ])
    },
  )

  const mayMount = spawnSync('unshare', ['-Urm', 'true']).status === 0
  test.skipIf(!mayMount)('where the home is on a disk that is full or read-only says so too', () => {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    const cli = join(import.meta.dirname, '../../cli/straightway.js')
    const find = `${process.execPath} ${cli} find --index http://127.0.0.1:9 --home ${disk}/home 2>&1`
    const onDisk = (options: string, before: string) =>
      execFileSync(
        'unshare',
        ['-Urm', 'sh', '-c', `mount -t tmpfs -o ${options} tmpfs ${disk} && ${before} ${find}; true`],
        {
          encoding: 'utf8',
        },
      )
    const full = onDisk('size=16k', `mkdir ${disk}/home; head -c 1M /dev/zero > ${disk}/zeros 2>/dev/null;`)
    expect(full).toMatch(/^straightway: The disk is full \([^\n]+\): make room, and try again\.\n$/)
    const fixed = onDisk('size=16k', `mount -o remount,ro ${disk};`)
    expect(fixed).toMatch(/^straightway: [^\n]+ is on a read-only file system: choose another place\.\n$/)
  })
})

test('help loads no more than help needs', () => {
  const main = new URL('../../cli/main.ts', import.meta.url).href
  const program = `
    import module from 'node:module'
    const seen = []
    module.registerHooks({ load: (url, context, next) => (seen.push(url), next(url, context)) })
    process.argv.splice(1, process.argv.length, 'straightway', '--help')
    process.on('exit', () => process.stderr.write(JSON.stringify(seen)))
    await import(${JSON.stringify(main)})`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  const root = new URL('../../', import.meta.url).href
  const ours = (JSON.parse(stderr) as string[]).filter(
    (url) => url.startsWith(root) && !url.includes('/node_modules/'),
  )
  expect(ours.map((url) => url.split('/').at(-1)).sort()).toEqual([
    'errors.ts',
    'escape.ts',
    'failures.ts',
    'life.ts',
    'main.ts',
    'output.ts',
    'verbs.ts',
    'version.ts',
  ])
})

describe('completion', () => {
  const script = (shell: string) =>
    execFileSync(
      process.execPath,
      [join(import.meta.dirname, '../../cli/straightway.js'), 'completion', shell],
      {
        encoding: 'utf8',
      },
    )

  test.each([
    ['straightway s', ['status', 'send', 'service']],
    ['straightway ping --pa', ['--paths']],
    ['straightway ping --paths ', ['auto', 'direct-only', 'relay-only']],
    ['straightway service ', ['install', 'uninstall']],
    ['straightway status b', ['busy']],
  ])('in bash continues %j', (line, expected) => {
    const words = line.split(' ')
    const program = `${script('bash')}
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _straightway; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('bash', ['-c', program], { encoding: 'utf8' }).trim().split('\n')
    expect(out).toEqual(expect.arrayContaining(expected))
    expect(out.every((each) => each.startsWith(words.at(-1)!))).toBe(true)
  })

  test.each(['bash', 'zsh', 'fish'])('in %s knows every verb', (shell) => {
    const text = script(shell)
    for (const verb of [...VERBS, 'service', 'completion']) expect(text).toMatch(new RegExp(`\\b${verb}\\b`))
    const isThere = spawnSync(shell, ['-c', 'true']).status === 0
    const file = join(folder, `completion.${shell}`)
    writeFileSync(file, text)
    if (isThere)
      expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      })
  })
})

describe('service install --print', () => {
  const odd = join(folder, 'a "home" of 100% $HOME & <more>')
  const shown = (kind: string) =>
    commands.run(
      'service',
      'install',
      '--print',
      '--kind',
      kind,
      '--home',
      odd,
      '--',
      '--receive',
      '/tmp/in box',
    )

  test('is a unit that systemd accepts, and that starts what it says', async () => {
    const { code, out } = await shown('systemd')
    expect(code).toBe(0)
    expect(out).toContain(
      `"--home" "${odd.replaceAll('"', '\\"').replace('%', '%%').replace('$', '$$$$')}" "--receive" "/tmp/in box"`,
    )
    const unit = join(folder, 'straightway.service')
    writeFileSync(unit, out)
    const verified = spawnSync('systemd-analyze', ['verify', '--user', '--man=no', unit], {
      encoding: 'utf8',
    })
    const about =
      verified.error === undefined
        ? verified.stderr.split('\n').filter((line) => line.includes('straightway.service'))
        : []
    expect(about).toEqual([])
  })

  test('is a property list for launchd', async () => {
    const { out } = await shown('launchd')
    expect(out).toContain(
      `<string>${odd.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</string>`,
    )
    expect(out).toMatch(/<string>up<\/string>\n {4}<string>--home<\/string>/)
    expect(out.match(/<(array|dict|plist)[ >]/g)?.length).toBe(out.match(/<\/(array|dict|plist)>/g)?.length)
  })
})
