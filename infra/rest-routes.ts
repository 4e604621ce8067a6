/** The routes of INDEX, reduced to what the infrastructure needs. */
import { ROUTES } from '../functions/rest/routes.ts'

export interface RestRoute {
  readonly method: string
  /** Path with parameters in braces. */
  readonly path: string
  /** Anybody may write through this route without a credential. A flood would use it, so it gets only a share of the rate. */
  readonly open: boolean
}

export const REST_ROUTES: readonly RestRoute[] = ROUTES.map(({ method, path, who }) => ({
  method,
  path,
  open: method === 'POST' && who === 'anybody',
}))
