import { expect, inject } from 'vitest'

const provided = inject('deployed')!
export const deployed = { ...provided, endpoint: provided.endpoint! }

interface Ask {
  /** API key. Default: the administrator's. */
  readonly key?: string
  readonly body?: unknown
}

/** Sends a request to the deployed INDEX and returns its answer, which must have this status. */
export async function ask(
  method: string,
  path: string,
  status: number,
  { key = deployed.adminKey, body }: Ask = {},
) {
  const response = await fetch(`${deployed.index}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(`${response.status} ${text}`).toMatch(new RegExp(`^${status}`))
  return JSON.parse(text || '{}') as Record<string, unknown>
}
