/**
 * Checks that every answer in these tests matches the definition of its route: a documented status, and a body of its schema.
 */

import { API } from '../../../functions/rest/api.ts'
import { errorsOf, type Route } from '../../../functions/rest/route.ts'
import { ERRORS } from '../../../shared/errors.ts'
import type { Answer } from './society.ts'

/** Throws if the answer is not one that the route promises. */
export function expectContract(door: string, { status, body }: Answer): void {
  const [method = '', path = ''] = door.split(/[ ?]/)
  const route = API.find((each) => each.method === method && patternOf(each).test(path))
  if (route === undefined) return
  if (status >= 400 && route.answers[status] === undefined) {
    const known = errorsOf(route).some((code) => code === body?.code && ERRORS[code].status === status)
    if (!known) throw new Error(`${door} answers ${status} ${body?.code}, which it does not document`)
  } else if (status !== 304) {
    const schema = route.answers[status]
    if (schema === undefined) throw new Error(`${door} answers ${status}, which it does not document`)
    const result = schema?.safeParse(body)
    if (result?.success === false) throw new Error(`${door} answers otherwise: ${result.error}`)
  }
}

const patternOf = ({ path }: Route) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)
