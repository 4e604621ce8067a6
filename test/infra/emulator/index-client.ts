import { expect, inject } from 'vitest'

const provided = inject('deployed')!
export const deployed = { ...provided, endpoint: provided.endpoint! }

interface Ask {
  /** An API key; that of the administrator without. */
  readonly key?: string
  readonly body?: unknown
}

/** What the deployed INDEX answers, which has to be of this status. */
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
