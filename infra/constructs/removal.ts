import { RemovalPolicy } from 'aws-cdk-lib'
import type { Config } from '../config.ts'

/**
 * What becomes of a resource that holds something when its stack goes. A resource that a failed first deployment made is
 * deleted in any case, since the next attempt makes it again.
 */
export const removalOf = ({ retain }: Pick<Config, 'retain'>): RemovalPolicy =>
  retain ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY
