import { StraightwayError } from '../shared/errors.ts'

/** The environment variables of a function. Each context.ts lists those that it reads. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The value of a required variable. Errors: `internal` with the name of the variable if it is missing. */
export function required(env: Environment, name: string): string {
  const value = env[name]
  if (value) return value
  throw new StraightwayError('internal', `configuration: ${name} is not set`)
}

/**
 * A handler that reads the environment when it is first called. So its module can be imported with another context
 * and without any environment.
 */
export function fromEnvironment<Context, Event, Invocation, Result>(
  contextFrom: (env: Environment) => Context,
  create: (context: Context) => (event: Event, invocation: Invocation) => Promise<Result>,
): (event: Event, invocation: Invocation) => Promise<Result> {
  let made: ReturnType<typeof create> | undefined
  return (event, invocation) => {
    made ??= create(contextFrom(process.env))
    return made(event, invocation)
  }
}
