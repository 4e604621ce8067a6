/** Names of transient errors of DynamoDB and its transport: the same request may succeed later. */
const PASSING = new Set([
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'ThrottlingException',
  'TimeoutError',
  'TransactionConflictException',
  'TransactionInProgressException',
])

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { name, code } = error as Error & { readonly code?: unknown }
  return (
    PASSING.has(name) || isConnectionError(code) || ('$retryable' in error && error.$retryable !== undefined)
  )
}

const isConnectionError = (code: unknown): boolean =>
  typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND)/.test(code)
