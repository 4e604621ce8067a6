/** The closed list of error codes, the same over REST (problem details, RFC 9457), in the SDK and in the CLI. */
export const ERRORS = {
  'bad-request': { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'No valid credential was presented' },
  forbidden: { status: 403, title: 'The credential does not allow this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'This is not done with such a thing' },
  conflict: { status: 409, title: 'It exists already or was changed meanwhile' },
  gone: { status: 410, title: 'It is no longer valid' },
  'precondition-failed': { status: 412, title: 'It is not as the request says it must be' },
  'too-large': { status: 413, title: 'It exceeds a limit' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something failed on our side' },
  unavailable: { status: 503, title: 'The service cannot be reached or is starting' },
  refused: { status: 403, title: 'The other peer refused' },
  'unknown-peer': { status: 404, title: 'No such peer, or none you are related to' },
  'peer-offline': { status: 404, title: 'The other peer is not online' },
  unreadable: { status: 422, title: 'The other peer could not open it' },
  'mailbox-full': { status: 507, title: 'The mailbox of the other peer is full' },
  timeout: { status: 504, title: 'No answer in time' },
  closed: { status: 410, title: 'It was closed' },
} as const

/** The code of an error: one of ERRORS. */
export type ErrorCode = keyof typeof ERRORS

/** The only error class that the SDK and the services expose. The message says what happened and what to do next. */
export class StraightwayError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? ERRORS[code].title, options)
    this.name = 'StraightwayError'
    this.code = code
  }
  /** The HTTP status that INDEX answers with for this code. */
  get status(): number {
    return ERRORS[this.code].status
  }
}
