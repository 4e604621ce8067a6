/** A client of the EC2 instance metadata service, version 2 (IMDSv2), which requires a token for every read. */
import { now } from '../../shared/drive/clock.ts'
import { StraightwayError } from '../../shared/errors.ts'

export interface Metadata {
  /** The value at `path`; undefined if there is none. Errors: `unavailable`. */
  read(path: string): Promise<string | undefined>
}

const TOKEN_SECONDS = 21_600
const RENEW_BEFORE_MS = 60_000
const TIMEOUT_MS = 2_000

/** Creates a client. `endpoint`: http://169.254.169.254, or AWS_EC2_METADATA_SERVICE_ENDPOINT if set, as for the AWS SDK. */
export function createMetadata(endpoint: string): Metadata {
  let token: { readonly value: string; readonly until: number } | undefined

  async function currentToken(): Promise<string> {
    if (token !== undefined && token.until > now()) return token.value
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) }
    const response = await ask(`${endpoint}/latest/api/token`, { method: 'PUT', headers })
    const value = await response.text()
    token = { value, until: now() + TOKEN_SECONDS * 1000 - RENEW_BEFORE_MS }
    return value
  }

  return {
    async read(path) {
      const headers = { 'x-aws-ec2-metadata-token': await currentToken() }
      const response = await ask(`${endpoint}/latest/${path}`, { headers })
      return response.status === 404 ? undefined : response.text()
    },
  }
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: Error) => {
      throw new StraightwayError('unavailable', `Instance metadata: ${error.message}`)
    },
  )
  if (response.ok || response.status === 404) return response
  throw new StraightwayError('unavailable', `Instance metadata answered ${response.status}`)
}
