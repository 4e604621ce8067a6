import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, Option } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import { makeFolder } from '../shared/files/make-folder.ts'
import { type CommonFlags, enrolledIn, homeVerb } from './options.ts'
import { note, print, printWhole } from './output.ts'
import { launchdPlist, type ServiceFacts, systemdUnit } from './service-files.ts'

const LABEL = 'straightway'
const LAUNCHD_LABEL = 'org.straightway.up'

type Kind = 'systemd' | 'launchd'

interface Flags extends CommonFlags {
  readonly kind: Kind
  readonly print?: true
}

interface Service {
  readonly path: string
  readonly text: (facts: ServiceFacts) => string
  readonly start: readonly (readonly string[])[]
  readonly stop: readonly (readonly string[])[]
}

const SERVICES: Readonly<Record<Kind, () => Service>> = {
  systemd: () => ({
    path: join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'systemd/user', `${LABEL}.service`),
    text: systemdUnit,
    start: [
      ['systemctl', '--user', 'daemon-reload'],
      ['systemctl', '--user', 'enable', '--now', LABEL],
    ],
    stop: [['systemctl', '--user', 'disable', '--now', LABEL]],
  }),
  launchd: () => {
    const path = join(homedir(), 'Library/LaunchAgents', `${LAUNCHD_LABEL}.plist`)
    const domain = `gui/${userInfo().uid}`
    return {
      path,
      text: (facts) => launchdPlist(LAUNCHD_LABEL, facts),
      start: [['launchctl', 'bootstrap', domain, path]],
      stop: [['launchctl', 'bootout', `${domain}/${LAUNCHD_LABEL}`]],
    }
  },
}

export function service(description: string): Command {
  const kind = () =>
    new Option('--kind <kind>', 'which service manager')
      .choices(['systemd', 'launchd'])
      .default(process.platform === 'darwin' ? 'launchd' : 'systemd')
  return new Command('service')
    .description(description)
    .addCommand(
      homeVerb('install', 'Start `up` now and whenever you log in. What follows `--` is given to `up`.')
        .argument('[options...]', 'of `up`, for example: -- --receive ~/in')
        .addOption(kind())
        .option('--print', 'print the file instead of installing it')
        .action(install),
    )
    .addCommand(homeVerb('uninstall', 'End it, and start it no more.').addOption(kind()).action(uninstall))
}

async function install(
  options: readonly string[],
  { home, json, kind, print: isPrinted }: Flags,
): Promise<void> {
  const launcher = process.argv[1]!
  const { path, text, start } = SERVICES[kind]()
  const file = text({ command: [process.execPath, launcher, 'up', '--home', home, ...options], home })
  if (isPrinted) {
    if (json) print(json, { path, text: file })
    else printWhole(file)
    return
  }
  if ((await enrolledIn(home)) === undefined)
    throw new StraightwayError(
      'bad-request',
      `${home} is not enrolled yet: run \`straightway whoami\` with an invite first.`,
    )
  if (/[/\\]_npx[/\\]/.test(launcher))
    note(
      json,
      'npx keeps this program in a cache that may be emptied: `npm install -g straightway` keeps it.',
    )
  makeFolder(dirname(path))
  writeFileSync(path, file, { mode: 0o600 })
  runAll(start)
  print(json, { installed: path }, `installed ${path}, and started`)
}

function uninstall({ json, kind }: Flags): void {
  const { path, stop } = SERVICES[kind]()
  if (!existsSync(path)) throw new StraightwayError('not-found', `There is no ${path}: nothing is installed.`)
  runAll(stop)
  rmSync(path)
  print(json, { uninstalled: path }, `removed ${path}`)
}

function runAll(commands: readonly (readonly string[])[]): void {
  for (const [program, ...args] of commands) {
    const { status, error, stderr } = spawnSync(program!, args, { encoding: 'utf8' })
    if (status === 0) continue
    const why = error === undefined ? stderr.trim().split('\n').at(-1) : error.message
    throw new StraightwayError('unavailable', `\`${[program, ...args].join(' ')}\` failed: ${why}`)
  }
}
