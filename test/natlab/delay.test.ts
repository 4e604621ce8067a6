import { afterAll, beforeAll, expect, it } from 'vitest'
import { laboratory } from './laboratory.ts'
import type { Pair } from './matrix.ts'
import { Trials } from './trials.ts'

const DELAY_MS = 80

laboratory('sides that are far from each other', { tools: ['ping'] }, () => {
  let trials: Trials
  beforeAll(async () => {
    trials = await Trials.start({ delayMs: DELAY_MS })
  })
  afterAll(() => trials?.[Symbol.asyncDispose]())

  it('are as far as asked, and the server is as far from the right one', async () => {
    const roundTrips = async (to: string) => {
      const said = await trials.lab.run('left', ['ping', '-c5', '-i0.2', to])
      return [...said.matchAll(/time=([\d.]+)/g)].map(([, ms]) => Number(ms))
    }
    const [far, near] = [await roundTrips('80.81.92.10'), await roundTrips('198.51.100.1')]
    expect(far).toHaveLength(5)
    expect(Math.min(...far)).toBeGreaterThanOrEqual(DELAY_MS)
    expect(Math.min(...far)).toBeLessThan(1.25 * DELAY_MS)
    expect(Math.min(...near)).toBeLessThan(0.25 * DELAY_MS)
  })

  it.each([
    ['port-restricted', 'port-restricted', 'punch'],
    ['port-restricted', 'symmetric-random', 'scatter'],
    ['symmetric-random', 'port-restricted', 'scatter'],
  ] as const)('%s towards %s is direct by %s', async (a, b, technique) => {
    const [run] = await trials.runs([a, b] satisfies Pair, 1)
    expect(run).toMatchObject({ path: 'direct', technique, lost: 0 })
    expect(run!.directMs).toBeGreaterThan(DELAY_MS)
  })
})
