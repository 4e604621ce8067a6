/**
 * An instance from its first boot: the synthesised user data run on a machine with systemd, with the files of the asset.
 * Programs of Amazon Linux that this machine lacks are replaced by scripts that record their arguments.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildNodeAsset } from '../../../infra/node-asset.ts'
import { resolved } from '../../../infra/permission/resolve.ts'
import { stacksOf } from '../../../infra/system.ts'
import { systemUnderTest } from '../system-under-test.ts'
import { bootMachine, canBoot, type Machine, until } from './machine-under-test.ts'

const LOG = '/var/log/straightway/node.log'
const noted = (name: string) => `echo "${name} $*" >> /machine/calls`

/**
 * The replaced programs. `dnf`: its script. The CloudWatch agent runs as its own user and copies what it can read of the log.
 */
const programs = (dnf: string) => ({
  '/usr/bin/dnf': dnf,
  // There is no lifecycle action to complete, as on an instance that is in service.
  '/usr/bin/aws': `${noted('aws')}; [ "$2" != complete-lifecycle-action ]`,
  // The asset comes with the umask of a careful developer.
  '/usr/bin/unzip': 'cp -r --no-preserve=ownership /machine/asset/. "$5" && chmod -R go= "$5"',
  '/opt/aws/bin/cfn-signal': noted('cfn-signal'),
  '/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl': `systemd-run --unit agent --uid cwagent --property StandardOutput=append:/machine/agent bash -c 'until [ -e ${LOG} ]; do sleep 0.2; done; exec tail -n +1 -F ${LOG}'`,
})
const AMAZON_LINUX = 'id cwagent >/dev/null 2>&1 || useradd --system cwagent'

/** Returns the user data as CloudFormation writes it, with INDEX, tables and AWS at the addresses of the test. */
function userData(place: Readonly<Record<string, string>>): string {
  const template = resolved(stacksOf(systemUnderTest())).find(
    ({ type, properties }) =>
      type === 'AWS::EC2::LaunchTemplate' && properties.LaunchTemplateName === 'straightway-test-nodes',
  )!
  const { UserData } = template.properties.LaunchTemplateData as { readonly UserData: string }
  const more = [
    `DYNAMODB_ENDPOINT=${place.dynamodb}`,
    `AWS_ENDPOINT_URL=${place.aws}`,
    `AWS_EC2_METADATA_SERVICE_ENDPOINT=${place.aws}`,
    'AWS_ACCESS_KEY_ID=local',
    'AWS_SECRET_ACCESS_KEY=local',
  ]
  return UserData.replace(/^STRAIGHTWAY_TABLE_PREFIX=.*$/m, 'STRAIGHTWAY_TABLE_PREFIX=')
    .replace(/^INDEX_URL=.*$/m, `INDEX_URL=${place.index}`)
    .replace(/^GATEWAY_URL=.*$/m, `GATEWAY_URL=${place.gateway}`)
    .replace(/^ROLES=/m, `${more.join('\n')}\nROLES=`)
}

function callsIn({ shared }: Machine): string[] {
  const file = join(shared, 'calls')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

interface Started {
  readonly machine: Machine
  readonly home: ChildProcess
  /** Returns the next output of home.ts. */
  readonly heard: () => Promise<Record<string, string>>
  readonly code: number
  readonly said: string
}

async function startInstance(dnf: string): Promise<Started> {
  const machine = await bootMachine(programs(dnf))
  buildNodeAsset(join(machine.shared, 'asset'), { relay: false, drainMinutes: 1 })
  const home = machine.spawnBeside(process.execPath, [join(import.meta.dirname, 'home.ts')])
  const lines = createInterface({ input: home.stdout! })[Symbol.asyncIterator]()
  const heard = async () => JSON.parse((await lines.next()).value ?? '{}') as Record<string, string>
  writeFileSync(join(machine.shared, 'user-data'), userData(await heard()))
  return { machine, home, heard, ...(await machine.run('bash /machine/user-data')) }
}

describe.runIf(canBoot)('an instance', () => {
  let started: Started
  let machine: Machine

  beforeAll(async () => {
    started = await startInstance(AMAZON_LINUX)
    machine = started.machine
  }, 300_000)
  afterAll(async () => {
    started?.home.kill('SIGKILL')
    await machine?.close()
  })

  test('serves after its user data, and tells CloudFormation that it does', async () => {
    expect(started.code, started.said).toBe(0)
    expect((await machine.run('systemctl is-active straightway')).said.trim()).toBe('active')
    expect(callsIn(machine).at(-1)).toMatch(/^cfn-signal .* -e 0$/)
    expect(callsIn(machine).filter((call) => /lifecycle|health/.test(call))).toEqual([])
  })

  test('is counted by its group because the node said so', async () => {
    expect(await started.heard()).toMatchObject({
      LifecycleHookName: 'serve',
      LifecycleActionResult: 'CONTINUE',
    })
  })

  test('runs its node as a user that may listen on port 443 and owns nothing but its log', async () => {
    const ofNode = 'pid=$(systemctl show -P MainPID straightway)'
    const { said } = await machine.run(
      `${ofNode}; id -un $(stat -c %u /proc/$pid); grep CapEff /proc/$pid/status`,
    )
    expect(said.trim().split(/\s+/)).toEqual(['straightway', 'CapEff:', '0000000000000400'])
    const { said: owned } = await machine.run('find /etc /opt /usr/local /var -user straightway 2>/dev/null')
    expect(owned.trim().split('\n').sort()).toEqual(['/var/log/straightway', LOG])
  })

  test.each([
    ['the node', 'the agent', LOG, 'cwagent'],
    ['user data', 'the node', '/opt/straightway/start.mjs', 'straightway'],
    ['user data', 'the node', '/opt/straightway/node_modules/sodium-native/package.json', 'straightway'],
    ['install.sh', 'the agent', '/opt/aws/amazon-cloudwatch-agent/etc/straightway.json', 'cwagent'],
  ])('what %s writes %s can read: %s', async (_writer, _reader, file, user) => {
    expect(await machine.run(`cat ${file} >/dev/null`, user)).toEqual({ code: 0, said: '' })
  })

  test('lets nobody else read its log', async () => {
    expect((await machine.run(`cat ${LOG}`, 'nobody')).code).not.toBe(0)
  })

  test('has its log sent away by the agent, also after it was rotated', async () => {
    const agent = () => readFileSync(join(machine.shared, 'agent'), 'utf8')
    await until(() => agent().includes('"node":"node_'))
    await machine.run(`head -c 21M /dev/zero | tr '\\0' 'x' >> ${LOG}`)
    expect(await machine.run('systemctl start straightway-log.service')).toMatchObject({ code: 0 })
    expect(Number((await machine.run(`stat -c %s ${LOG}`)).said)).toBeLessThan(100_000)
    await machine.run('systemctl restart straightway')
    await until(async () => (await machine.run(`grep -q '"node":"node_' ${LOG}`)).code === 0)
    expect(await machine.run(`cat ${LOG} >/dev/null`, 'cwagent')).toEqual({ code: 0, said: '' })
  })

  test('gives itself up when its node does not stay up', async () => {
    await machine.run('mv /opt/straightway/main.mjs /opt/straightway/gone.mjs; systemctl restart straightway')
    await until(() => callsIn(machine).some((call) => call.includes('set-instance-health')))
    expect(callsIn(machine).at(-1)).toContain('--health-status Unhealthy')
    expect(callsIn(machine).at(-1)).toContain('--instance-id i-0123456789abcdef0')
  })
})

test.runIf(canBoot)(
  'an instance whose start fails is abandoned, after CloudFormation was told',
  async () => {
    const { machine, home, code } = await startInstance('exit 1')
    const [signal, abandon] = callsIn(machine)
    home.kill('SIGKILL')
    await machine.close()
    expect(code).toBe(1)
    expect(signal).toMatch(/^cfn-signal .* -e 1$/)
    expect(abandon).toContain('complete-lifecycle-action')
    expect(abandon).toContain('--lifecycle-hook-name serve --lifecycle-action-result ABANDON')
  },
  300_000,
)
