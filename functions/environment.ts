import { StraightwayError } from '../shared/errors.ts'

/** What a function is told by its environment; each context.ts lists the variables it reads. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Errors: `internal` naming the variable that is missing. */
export function required(env: Environment, name: string): string {
  const value = env[name]
  if (value) return value
  throw new StraightwayError('internal', `configuration: ${name} is not set`)
}

/**
 * A handler that reads the environment when it is first called, so that whoever imports its module for another context
 * needs no environment.
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
