/**
 * IAM's decision on a request within one account. A matching Deny refuses it. Otherwise a role needs an Allow in its own
 * policies or in those of the resource; a service needs an Allow in the policy of the resource.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Principal?: string | Readonly<Record<string, string | readonly string[]>>
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

export interface Request {
  /** ARN of a role, or the name of a service, such as `cloudwatch.amazonaws.com`. */
  readonly principal: string
  readonly action: string
  readonly resource: string
  /** Condition keys of the request, in lower case, with their values. */
  readonly context: Readonly<Record<string, string>>
}

export interface Policies {
  /** Statements in the policies of the principal. */
  readonly identity: readonly Statement[]
  /** Statements in the policy of the resource. */
  readonly resource: readonly Statement[]
}

export type Verdict = 'allowed' | 'not allowed' | 'denied'

export function verdictOn(request: Request, { identity, resource }: Policies): Verdict {
  const ofIdentity = identity.filter((statement) => matches(statement, request))
  const ofResource = resource.filter(
    (statement) => matches(statement, request) && includes(statement.Principal, request.principal),
  )
  const matching = [...ofIdentity, ...ofResource]
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'denied'
  return matching.some(({ Effect }) => Effect === 'Allow') ? 'allowed' : 'not allowed'
}

function matches({ Action, Resource = '*', Condition = {} }: Statement, request: Request): boolean {
  return (
    listOf(Action).some((pattern) => like(pattern.toLowerCase(), request.action.toLowerCase())) &&
    listOf(Resource).some((pattern) => like(pattern, request.resource)) &&
    Object.entries(Condition).every(([operator, keys]) => holds(operator, keys, request.context))
  )
}

function includes(principal: Statement['Principal'], asking: string): boolean {
  if (principal === undefined) return false
  if (principal === '*') return true
  if (typeof principal === 'string') return principal === asking
  return Object.values(principal).some((names) =>
    listOf(names).some((name) => name === '*' || name === asking),
  )
}

type Operator = (wanted: string, is: string) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: (wanted, is) => wanted === is,
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: (wanted, is) => wanted === is,
}

/** True if a condition holds. One on a key that the request lacks does not. Throws a TypeError for an unknown operator. */
function holds(
  operator: string,
  keys: Readonly<Record<string, string | readonly string[]>>,
  context: Request['context'],
): boolean {
  const test = OPERATORS[operator]
  if (test === undefined) throw new TypeError(`A policy has the condition operator ${operator}: add it here`)
  return Object.entries(keys).every(([key, wanted]) => {
    const is = context[key.toLowerCase()]
    return is !== undefined && listOf(wanted).some((each) => test(String(each), is))
  })
}

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T]

/** True if `text` matches a pattern in which `*` stands for any text and `?` for one character. */
function like(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text)
}
