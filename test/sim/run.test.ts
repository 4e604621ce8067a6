import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import { complaint, runOnce, summarise } from './statistics.ts'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))
const NAMES = Object.keys(SCENARIOS) as ScenarioName[]

function sim(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('a random run', () => {
  const cases = NAMES.flatMap((scenario) => [1, 2, 3, 4, 5].map((seed) => [scenario, seed] as const))
  it.each(cases)('of `%s` with seed %i breaks no promise', (scenario, seed) => {
    expect(runOnce(scenario, seed).violations).toEqual([])
  })

  it.each(NAMES)('of `%s` with the same seed is the same run, with another another', (scenario) => {
    const [first, again, other] = [7, 7, 8].map((seed) => runOnce(scenario, seed))
    expect(again).toEqual(first)
    expect(other!.hash).not.toBe(first!.hash)
  })
})

describe('what many runs say together', () => {
  const tunnel = { between: '', path: 'direct', firstByteMs: 10, directMs: 100 }
  const outcome = {
    scenario: 'calls',
    seed: 3,
    violations: [],
    messages: { sent: 2, delivered: 2 },
    hash: 'ff',
  } as const

  it('is shares, percentiles and one hash', () => {
    const relayed = { between: '', path: 'relayed', whyNotDirect: 'both-symmetric', firstByteMs: 30 }
    const runs = [
      { ...outcome, tunnels: [tunnel, relayed] },
      { ...outcome, tunnels: [{ ...tunnel, directMs: 200 }], violations: ['lost'], hash: '01' },
    ]
    expect(summarise(runs)).toEqual({
      runs: 2,
      success: 0.5,
      tunnels: 3,
      relayShare: 1 / 3,
      whyNotDirect: { 'both-symmetric': 1 },
      firstByteMs: { p50: 10, p95: 30 },
      directMs: { p50: 200, p95: 200 },
      messages: { sent: 4, delivered: 4 },
      hash: (255n * 31n + 1n).toString(16).padStart(16, '0'),
    })
  })

  it('has no shares where there was no tunnel', () => {
    expect(summarise([{ ...outcome, tunnels: [] }])).toMatchObject({
      relayShare: null,
      directMs: { p50: null },
    })
  })

  it('names the seed of a run that failed, and the command that repeats it', () => {
    const text = complaint({ ...outcome, tunnels: [], violations: ['message 1 is lost'] })
    expect(text).toContain('message 1 is lost')
    expect(text).toContain('npm run sim -- --seed 3 --runs 1 --scenario calls')
  })
})

describe('npm run sim', () => {
  it('prints the summary as one line of JSON and ends with 0', () => {
    const { status, stdout } = sim('--seed', '5', '--runs', '2', '--scenario', 'calls', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ runs: 2, success: 1, tunnels: 2 })
    expect(JSON.parse(stdout).hash).toMatch(/^[0-9a-f]{16}$/)
  })

  it('tells people the same in a table', () => {
    const { stdout, stderr } = sim('--seed', '5', '--runs', '1', '--scenario', 'calls')
    expect(stdout).toContain('1, 100.0 % without fault')
    expect(stderr).toContain('1 of 1 runs')
  })

  it('has pairs of a population meet, and tells how', () => {
    const { status, stdout, stderr } = sim('--population', 'typical', '--pairs', '4', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ population: 'typical', pairs: 4, connected: 1 })
    expect(stderr).toContain('4 of 4 pairs')
    const table = sim('--population', 'optimistic', '--pairs', '2', '--world', '9').stdout
    expect(table).toContain('connected     100.00 %')
    expect(table).toContain('between')
  })

  it('explains itself', () => {
    expect(sim('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--scenario NAME') })
    for (const args of [
      ['--seed', 'x'],
      ['--runs', '0'],
      ['--scenario', 'chess'],
      ['--what'],
      ['--population', 'martian'],
      ['--pairs', '0'],
    ]) {
      expect(sim(...args)).toMatchObject({ status: 2, stderr: expect.stringContaining('npm run sim') })
    }
  })
})
