/** Prints what `straightway admin` needs of each operation of INDEX, from the definitions of the routes. */
import { z } from 'zod'
import type { Route } from './route.ts'

type Described = z.core.JSONSchema.BaseSchema

export function commandsText(api: readonly Route[]): string {
  const commands = api.map((route) => `  ${JSON.stringify(commandOf(route))},\n`).join('')
  return `/** Written by \`npm run openapi\` from the definitions in functions/rest: each operation as a command. */
// biome-ignore-all format: it is written by a program
import type { AdminCommand } from './command.ts'

export const COMMANDS: readonly AdminCommand[] = [
${commands}]
`
}

function commandOf({ operation, summary, parameters, query = {}, body, answers, conditional, who }: Route) {
  const asked = Object.entries(query).map(([name, schema]) =>
    optionOf(name, 'query', described(schema), !schema.safeParse(undefined).success),
  )
  const { properties = {}, required = [] } = body === undefined ? {} : described(body)
  const sent = Object.entries(properties).map(([name, schema]) =>
    optionOf(name, 'body', schema as Described, required.includes(name)),
  )
  return {
    ...{ operation, summary, parameters, options: [...asked, ...sent], columns: columnsOf(answers) },
    ...(body !== undefined && { body: true }),
    ...(conditional && { conditional: true }),
    ...(who === 'anybody' && { open: true }),
  }
}

/** The fields of a record that the operation answers, or of an item of its page. */
function columnsOf(answers: Route['answers']): readonly string[] {
  const schemas = Object.entries(answers).flatMap(([status, schema]) =>
    Number(status) < 300 && schema !== null
      ? [z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })]
      : [],
  )
  return [...new Set(schemas.flatMap(fieldsOf))]
}

function fieldsOf({ properties = {}, anyOf = [] }: Described): readonly string[] {
  const { items } = properties as Readonly<Record<string, Described>>
  if (items !== undefined) return fieldsOf((items.items ?? {}) as Described)
  return [...anyOf.flatMap((each) => fieldsOf(each as Described)), ...Object.keys(properties)]
}

const described = (schema: z.ZodType): Described =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })

function optionOf(name: string, part: 'query' | 'body', schema: Described, required: boolean) {
  const { anyOf = [] } = schema
  const nullable = anyOf.some((each) => (each as Described).type === 'null')
  const only = nullable ? anyOf.filter((each) => (each as Described).type !== 'null') : []
  const shape = only.length === 1 ? (only[0] as Described) : schema
  const choices = shape.enum?.map(String)
  return {
    ...{ name, in: part, kind: kindOf(shape) },
    ...(choices && { choices }),
    ...(required && { required: true }),
    ...(nullable && { nullable: true }),
  }
}

function kindOf({
  type,
  items,
  anyOf,
  enum: values,
}: Described): 'text' | 'number' | 'boolean' | 'list' | 'json' {
  if (values !== undefined || type === 'string') return 'text'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'array') return kindOf((items ?? {}) as Described) === 'text' ? 'list' : 'json'
  return anyOf?.every((each) => (each as Described).type === 'string') ? 'text' : 'json'
}
