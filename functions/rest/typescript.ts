/**
 * Prints the operations of INDEX as TypeScript types for clients, from the definitions of the routes. Records keep
 * the names of shared/resources.ts; other types are written out.
 */
import { z } from 'zod'
import { networkIdSchema, peerIdSchema, userIdSchema } from '../../shared/model/identifiers.ts'
import { jobIdSchema } from '../../shared/model/job.ts'
import * as answers from './answers.ts'
import { PARAMETERS, type Route } from './route.ts'
import * as webhookAnswers from './webhook-answers.ts'

/** Schemas that have a named type in shared/. */
const NAMES = new Map<unknown, string>([
  [userIdSchema, 'UserId'],
  [networkIdSchema, 'NetworkId'],
  [peerIdSchema, 'PeerId'],
  [jobIdSchema, 'string'],
  [answers.userAnswer, 'UserRecord'],
  [answers.userDetailsAnswer, 'UserDetails'],
  [answers.networkAnswer, 'NetworkRecord'],
  [answers.storedPeerAnswer, 'StoredPeer'],
  [answers.peerAnswer, 'PeerRecord'],
  [answers.membershipAnswer, 'MembershipRecord'],
  [answers.memberAnswer, 'MemberRecord'],
  [answers.objectAnswer, 'ObjectRecord'],
  [answers.inviteAnswer, 'InviteRecord'],
  [answers.collectionAnswer, 'CollectionRecord'],
  [answers.apiKeyAnswer, 'ApiKeyRecord'],
  [answers.jobAnswer, 'JobRecord'],
  [answers.auditAnswer, 'AuditRecord'],
  [webhookAnswers.webhookAnswer, 'WebhookRecord'],
  [webhookAnswers.deliveryAnswer, 'DeliveryRecord'],
  [answers.ticketAnswer, 'TicketRecord'],
])

const IDS = new Set(['UserId', 'NetworkId', 'PeerId'])

export function operationsText(api: readonly Route[]): string {
  const types = api.map(typeOf).join('\n')
  const doors = api.map(({ operation, door }) => `  ${operation}: '${door}',\n`).join('')
  const used = [...new Set(NAMES.values())].filter((name) => new RegExp(`\\b${name}\\b`).test(types))
  const ids = used.filter((name) => IDS.has(name)).sort()
  const records = [...used.filter((name) => !IDS.has(name) && name !== 'string'), 'JsonObject'].sort()
  return `/** Written by \`npm run openapi\` from the definitions in functions/rest: what each operation takes and answers. */
// biome-ignore-all format: it is written by a program
import type { ${ids.join(', ')} } from '../../shared/ids.ts'
import type { ${records.join(', ')} } from '../../shared/resources.ts'

/** Types of each operation of INDEX: its path, query, body and answer, and whether it takes If-Match. */
export interface Operations {
${types}
}

/** Method and path of each; parameters in braces. */
export const DOORS = {
${doors}} as const satisfies Readonly<Record<keyof Operations, string>>
`
}

function typeOf({
  operation,
  summary,
  parameters,
  query = {},
  body,
  answers: all,
  conditional,
}: Route): string {
  const path = parameters.map((name) => `readonly ${name}: ${printed(PARAMETERS[name], 'output')}`)
  const asked = Object.entries(query).map(([name, schema]) => {
    const mark = schema.safeParse(undefined).success ? '?' : ''
    return `readonly ${name}${mark}: ${printed(schema, 'output')}`
  })
  const answer = Object.entries(all).filter(([status, schema]) => Number(status) < 300 && schema !== null)
  const answered = [...new Set(answer.map(([, schema]) => printed(schema!, 'output')))]
  return `  /** ${summary}. */
  readonly ${operation}: {
    readonly path: ${braced(path)}
    readonly query: ${braced(asked)}
    readonly body: ${body === undefined ? 'undefined' : printed(body, 'input')}
    readonly answer: ${answered.join(' | ') || 'undefined'}
    readonly conditional: ${conditional === true}
  }`
}

const braced = (parts: readonly string[]) => (parts.length === 0 ? 'object' : `{ ${parts.join('; ')} }`)

function printed(schema: z.ZodType, io: 'input' | 'output'): string {
  const described = z.toJSONSchema(schema, {
    ...{ io, unrepresentable: 'any' },
    override({ zodSchema, jsonSchema }) {
      const name = NAMES.get(zodSchema)
      if (name !== undefined) jsonSchema['x-type'] = name
    },
  })
  return text(described)
}

type Described = z.core.JSONSchema.BaseSchema

function text(schema: Described | boolean): string {
  if (typeof schema === 'boolean') return 'unknown'
  const { type, enum: values, anyOf, const: only } = schema
  const name = schema['x-type']
  if (typeof name === 'string') return name
  if (only !== undefined) return literal(only)
  if (values !== undefined) return values.map(literal).join(' | ')
  if (anyOf !== undefined) return [...new Set(anyOf.map(text))].join(' | ')
  if (type === 'array') return `readonly (${text((schema.items as Described | undefined) ?? {})})[]`
  if (type === 'object') return objectText(schema)
  if (type === 'integer' || type === 'number') return 'number'
  return typeof type === 'string' ? type : 'unknown'
}

/** The type of an object schema. An object without properties is the application's own: `JsonObject`. */
function objectText({ properties, required = [], additionalProperties: more }: Described): string {
  if (properties === undefined)
    return typeof more === 'object' ? `Readonly<Record<string, ${text(more)}>>` : 'JsonObject'
  const parts = Object.entries(properties).map(
    ([name, part]) => `readonly ${name}${required.includes(name) ? '' : '?'}: ${text(part)}`,
  )
  return braced(parts)
}

const literal = (value: unknown) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))
