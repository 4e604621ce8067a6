/** Measures what a request to INDEX costs the whole system, route by route: functions, gateway and tables. */
import { SystemHere } from './here.ts'
import { cpuSecondsOfTree } from './tree.ts'

export interface RestRoute {
  readonly route: string
  /** CPU time of a request in milliseconds, of all processes of the system. */
  readonly cpuMs: number
  readonly ms: number
  readonly good: number
  readonly asked: number
}

export interface RestResult {
  readonly routes: readonly RestRoute[]
  readonly isGood: boolean
}

export async function benchRest(count: number): Promise<RestResult> {
  await using system = await SystemHere.start()
  const { dialogue } = system.run('rest-load.ts', system.index, system.adminKey)
  const { routes } = (await dialogue.next<{ routes: readonly string[] }>())!
  const measured: RestRoute[] = []
  for (const route of routes) {
    const ask = async (times: number) => {
      dialogue.say({ route, count: times })
      return (await dialogue.next<{ good: number; status: number; ms: number }>())!
    }
    await ask(Math.ceil(count / 10))
    const before = cpuSecondsOfTree(system.pid)
    const { good, ms } = await ask(count)
    const cpuMs = ((cpuSecondsOfTree(system.pid) - before) * 1000) / count
    measured.push({ route, cpuMs, ms, good, asked: count })
  }
  return { routes: measured, isGood: measured.every(({ good, asked }) => good === asked) }
}
