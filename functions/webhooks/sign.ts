/** Signatures of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`. */
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

export const secretText = (secret: Uint8Array): string => PREFIX + Buffer.from(secret).toString('base64')

/** The headers of a delivery. While a secret is being replaced, there is a signature by each. */
export function signedHeaders(
  { id, body }: { readonly id: string; readonly body: string },
  secrets: readonly string[],
  nowMs: number,
): Readonly<Record<string, string>> {
  const timestamp = `${Math.floor(nowMs / 1000)}`
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
