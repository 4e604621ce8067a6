/**
 * The INDEX that a test file uses if it does not matter which: one in this process, or the deployed one. The latter is used
 * over HTTP and through API Gateway when test/infra/emulator runs the same file.
 */
import { inject } from 'vitest'
import { createApiKeys } from '../../../shared/store/api-keys.ts'
import { createClient } from '../../../shared/store/client.ts'
import { startIndex } from './index-under-test.ts'
import { type Answer, type Call, createSociety, type Society } from './society.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Location of the deployed INDEX, and the names of its tables. */
    readonly deployed?: {
      /** Endpoint of an emulator. Default: AWS. */
      readonly endpoint?: string
      readonly region: string
      readonly index: string
      readonly tablePrefix: string
      readonly adminKey: string
      /** URL of the WebSocket API. */
      readonly gateway: string
    }
  }
}

export type OpenIndex = Society & { close(): Promise<void> }

type Deployed = NonNullable<ReturnType<typeof inject<'deployed'>>>

/** Maximum concurrent requests. An emulator starts a process for each request that arrives while others are served. */
const AT_ONCE = 3

export async function openIndex(): Promise<OpenIndex> {
  const deployed = inject('deployed')
  return deployed === undefined ? startIndex({}, { indexed: false }) : openDeployed(deployed)
}

async function openDeployed({
  endpoint,
  region,
  index,
  tablePrefix,
  adminKey: admin,
}: Deployed): Promise<OpenIndex> {
  process.env.STRAIGHTWAY_TABLE_PREFIX = tablePrefix
  const client = createClient({ endpoint, region })
  const reader = (await createApiKeys(client).create({ name: 'reader', role: 'read' }, Date.now())).token
  const gate = new Gate(AT_ONCE)
  const call = (door: string, given: Call = {}) => gate.pass(() => ask(index, door, given))
  const society = createSociety({ client, call, admin, reader, host: new URL(index).host, now: Date.now })
  return { ...society, close: async () => client.destroy() }
}

async function ask(index: string, door: string, { as, body, query, headers }: Call): Promise<Answer> {
  const [method, path] = door.split(' ') as [string, string]
  const search = query === undefined ? '' : `${path.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`
  const response = await fetch(`${index}${path}${search}`, {
    method,
    headers: { ...headers, ...(as && { authorization: `Bearer ${as}` }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? undefined : JSON.parse(text),
    headers: Object.fromEntries(response.headers),
  }
}

/** Admits a limited number at a time; others wait in line. */
class Gate {
  #room: number
  readonly #waiting: (() => void)[] = []

  constructor(room: number) {
    this.#room = room
  }

  async pass<T>(act: () => Promise<T>): Promise<T> {
    if (this.#room === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#room--
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#room++
    }
  }
}
