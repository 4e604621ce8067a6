/** What an emulator says that it serves. */
import { connection } from './cdk.ts'

/**
 * Whether it has WebSocket APIs, which is what editions of LocalStack differ in: without them neither the api stack is complete nor
 * a node reached. Asked over plain HTTP, as an emulator tells services apart by the scope of a signature that it does not check.
 */
export async function servesApis(endpoint: string): Promise<boolean> {
  const credential = `local/20260101/${connection(endpoint).region}/apigateway/aws4_request`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`
  const { ok } = await fetch(`${endpoint}/v2/apis`, { headers: { authorization } })
  return ok
}
