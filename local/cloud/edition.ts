/** Capabilities that an emulator reports. */
import { connection } from './cdk.ts'

/**
 * True if the emulator has WebSocket APIs, in which the editions of LocalStack differ. Without them the api stack is
 * incomplete and nodes cannot be reached. Asked over plain HTTP: an emulator selects the service by the scope of the
 * signature, which it does not check.
 */
export async function servesApis(endpoint: string): Promise<boolean> {
  const credential = `local/20260101/${connection(endpoint).region}/apigateway/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`
  const { ok } = await fetch(`${endpoint}/v2/apis`, { headers: { authorization } })
  return ok
}
