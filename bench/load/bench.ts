/** Floods each service of a node until its core is saturated, and reads the load that the node then reports. */
import { type Child, startScript } from '../child.ts'
import { cpuSeconds } from '../cpu.ts'
import { freePort } from '../free-port.ts'

export const SERVICES = ['checkpoint', 'handshake', 'stun', 'relay'] as const
export type ServiceKind = (typeof SERVICES)[number]

export interface ServiceLoad {
  readonly service: ServiceKind
  /** Load while nothing comes, and the greatest one under the flood. */
  readonly idle: number
  readonly saturated: number
  /** Share of a core that the service had meanwhile. Other processes may have had the rest, which the load includes. */
  readonly cpu: number
}

/** Load that a saturated service must report. */
export const LEAST_LOAD = 0.9
/** Processes that flood one service. */
const FLOODS = 2
/** Readings after which the greatest one counts. A busy machine may not flood the service immediately. */
const READINGS = { least: 2, most: 15 }

export async function benchLoad(): Promise<readonly ServiceLoad[]> {
  const loads: ServiceLoad[] = []
  for (const service of SERVICES) loads.push(await loadOf(service))
  return loads
}

async function loadOf(service: ServiceKind): Promise<ServiceLoad> {
  const port = `${await freePort()}`
  const child = startScript('load/service.ts', service, port)
  const floods: Child[] = []
  try {
    await child.line()
    await reading(child)
    const idle = await reading(child)
    for (let i = 0; i < FLOODS; i++) floods.push(startScript('load/flood.ts', service, port))
    const [began, before] = [performance.now(), cpuSeconds(child.pid)]
    let saturated = 0
    for (let i = 0; i < READINGS.most && (i < READINGS.least || saturated < LEAST_LOAD); i++)
      saturated = Math.max(saturated, await reading(child))
    const cpu = (cpuSeconds(child.pid) - before) / ((performance.now() - began) / 1000)
    return { service, idle, saturated, cpu }
  } finally {
    await Promise.all([child, ...floods].map((each) => each.stop()))
  }
}

async function reading(child: Child): Promise<number> {
  return (JSON.parse(await child.line()) as { load: number }).load
}
