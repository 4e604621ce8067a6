import { expect, it } from 'vitest'
import { NAT_KINDS } from './nat-kinds.ts'
import { System } from './system.ts'

/** Everything on its way has arrived. */
const ARRIVED_MS = 300

/** Time for which the tunnel has been used. A settled one has given up its relay, a young one has not. */
const AGE_MS = { young: 5000, settled: 90_000 } as const

/** A direct tunnel between a place where UDP comes and goes and another home. */
function direct(age: keyof typeof AGE_MS, seed: number) {
  const system = new System({ seed, nodes: 2 })
  const network = system.network()
  const nat = NAT_KINDS['port-restricted']
  const place = system.site('place', { nat, udpComesAndGoes: true })
  const ann = system.peer('ann', { networks: [network], site: place })
  const bob = system.peer('bob', { networks: [network], site: system.site('home', { nat }) })
  expect(system.bringOnline([ann, bob], 20_000)).toBe(true)
  system.world.pass(500)
  const attempt = ann.connect(bob)
  expect(system.world.until(() => attempt.tunnel !== undefined, 20_000)).toBe(true)
  const ends = [attempt.tunnel!, [...bob.tunnels.values()][0]!] as const
  for (const end of ends) end.talk(50, 200_000)
  system.world.pass(AGE_MS[age])
  const isSettled = age === 'settled'
  expect(ends.map(({ path, released }) => [path, released])).toEqual([
    ['direct', isSettled],
    ['direct', isSettled],
  ])
  return { world: system.world, router: place.router, ann, ends }
}

it.each([
  ...[1, 2, 3, 4, 5].map((seed) => ['settled', seed] as const),
  ...[1, 2, 3, 4, 5].map((seed) => ['young', seed] as const),
])('UDP goes under a %s tunnel: data again within 3 s; it is back: direct within 10 s; seed %i', (age, seed) => {
  const { world, router, ann, ends } = direct(age, seed)
  const passed = (isIt: () => boolean, withinMs: number): number => {
    const from = world.now
    return world.until(isIt, withinMs) ? world.now - from : Number.POSITIVE_INFINITY
  }
  router.udpBlocked = true
  world.pass(ARRIVED_MS)
  const before = ends.map(({ received }) => received.size)
  const dataMs =
    ARRIVED_MS + passed(() => ends.every(({ received }, i) => received.size > before[i]!), 20_000)
  world.pass(30_000)
  expect(ends.map(({ path }) => path)).toEqual(['relayed', 'relayed'])
  expect(ann.online).toBe(true)
  router.udpBlocked = false
  const directMs = passed(() => ends.every(({ path }) => path === 'direct'), 60_000)
  console.info(`seed ${seed}: data after ${Math.round(dataMs)} ms, direct after ${Math.round(directMs)} ms`)
  expect(dataMs, `data after ${dataMs} ms`).toBeLessThan(3000)
  expect(directMs, `direct after ${directMs} ms`).toBeLessThan(10_000)
})
