/**
 * The program that LocalStack starts as `java`: the embedded engine instead of DynamoDB Local, on the port after
 * `-port`. LocalStack relies on two things in which the engine differs, so this program translates them: the region in
 * ARNs, and updates that change nothing the engine has (replicas, deletion protection).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { freePort } from '../engine.ts'
import { chooseEngine, thisMachine } from '../engine-choice.ts'

/** Fields of UpdateTable that the engine knows. */
const KNOWN = [
  'ProvisionedThroughput',
  'BillingMode',
  'StreamSpecification',
  'GlobalSecondaryIndexUpdates',
  'SSESpecification',
]
const NOTHING = JSON.stringify({
  __type: 'com.amazonaws.dynamodb.v20120810#ValidationException',
  message: 'Nothing to update',
})

const REGION = 'arn:aws:dynamodb:dynoxide:'
const LOCAL_REGION = 'arn:aws:dynamodb:ddblocal:'

const port = Number(process.argv[process.argv.indexOf('-port') + 1])
const inner = await freePort()
const { command, args } = chooseEngine(thisMachine())
const engine = spawn(command, args(inner, undefined), { stdio: 'ignore' })
engine.once('exit', () => process.exit(1))
for (const signal of ['SIGTERM', 'SIGINT', 'exit'] as const)
  process.once(signal, () => engine.kill('SIGKILL'))
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
const agent = new Agent({ keepAlive: true })
createServer((incoming, response) => {
  answer(incoming, response).catch(() => response.destroy())
}).listen(port, '127.0.0.1')

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(incoming)
  if (asksForNothing(incoming, body)) {
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(NOTHING)
    return
  }
  const { method, url: path, headers } = incoming
  const asked = request({ host: '127.0.0.1', port: inner, agent, method, path, headers })
  asked.end(body)
  const [reply] = (await once(asked, 'response')) as [IncomingMessage]
  const said = (await text(reply)).replaceAll(REGION, LOCAL_REGION)
  // The old checksum and length do not fit the changed text.
  const { 'x-amz-crc32': _, 'content-length': __, ...kept } = reply.headers
  response.writeHead(reply.statusCode ?? 500, kept).end(said)
}

function asksForNothing({ headers }: IncomingMessage, body: Buffer): boolean {
  if (!String(headers['x-amz-target']).endsWith('.UpdateTable')) return false
  const asked = JSON.parse(body.toString()) as object
  return !KNOWN.some((field) => field in asked)
}
