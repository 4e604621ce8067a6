import { RemovalPolicy } from 'aws-cdk-lib'
import type { Config } from '../config.ts'

/**
 * Removal policy of a resource that holds data: kept with `retain`, deleted with its stack without. A failed first
 * deployment deletes the resource in both cases, so that the next attempt can create it again.
 */
export const removalOf = ({ retain }: Pick<Config, 'retain'>): RemovalPolicy =>
  retain ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY
