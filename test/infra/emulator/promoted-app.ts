/** The environment `kept` after its second region was promoted. `STREAMS`: ARNs of the streams of the replicas there. */
import { App } from 'aws-cdk-lib'
import { environment } from '../../../infra/environments.ts'
import { createSystem } from '../../../infra/system.ts'
import { LOST, TAKES_OVER } from './promoted-regions.ts'

const streams = (process.env.STREAMS ?? '').split(',')
const regions = { home: LOST, second: TAKES_OVER, promoted: { streams } }
createSystem(new App(), { ...environment('kept'), regions })
