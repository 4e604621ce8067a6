/** What all files of the suite share: the stacks, deployed once into an emulator, with two nodes and a relay. */
import type { TestProject } from 'vitest/node'
import { connection } from '../../../local/cloud/cdk.ts'
import { deployTo, found, PREFIX } from '../../../local/cloud/deployed.ts'
import { startEmulator } from '../../../local/cloud/emulator.ts'
import { startNodes } from '../../../local/cloud/nodes.ts'

const log = () => {}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const emulator = await startEmulator(console.warn)
  const { endpoint } = emulator
  try {
    const deployed = await deployTo(endpoint, log)
    deployed.cdk.close()
    const nodes = await startNodes(deployed, log)
    project.provide('deployed', {
      endpoint,
      region: connection(endpoint).region,
      index: deployed.index,
      tablePrefix: PREFIX,
      adminKey: await found(endpoint),
      nodes: nodes.ready.map(({ node }) => node),
    })
    return async () => {
      await nodes.close()
      await emulator.close()
    }
  } catch (error) {
    await emulator.close()
    throw error
  }
}
