/** All that the infrastructure reads of the routes of INDEX. */
import { ROUTES } from '../functions/rest/routes.ts'

export interface RestRoute {
  readonly method: string
  /** Parameters in braces. */
  readonly path: string
  /** Anybody may write through it without a credential: a flood would come this way, so it has a share of the rate. */
  readonly open: boolean
}

export const REST_ROUTES: readonly RestRoute[] = ROUTES.map(({ method, path, who }) => ({
  method,
  path,
  open: method === 'POST' && who === 'anybody',
}))
