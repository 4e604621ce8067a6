/** Quotas of API Gateway (REST and WebSocket APIs) and of a synchronous Lambda invocation. */
export const GATEWAY_LIMITS = {
  /** Total size of a request's headers. */
  headerBytes: 10_240,
  /** Size of a request's body. */
  requestBytes: 10 * 1024 * 1024,
  /** Size of the event and of the result of a Lambda invocation, as JSON. */
  payloadBytes: 6 * 1024 * 1024,
  /** Time after which the caller of a handler gets 504. */
  integrationMs: 29_000,
  /** Time that a caller gets to send its headers, and its whole request. */
  headersMs: 10_000,
  requestMs: 30_000,
  /** Size of a WebSocket frame. Clients send a message as one frame, so it also limits their messages. */
  frameBytes: 32 * 1024,
  /** Size of a message posted to a connection. */
  messageBytes: 128 * 1024,
  /** Lifetime of a connection without a message in either direction, and of any connection. */
  idleMs: 10 * 60_000,
  connectionMs: 2 * 3600_000,
  /** Bytes that are queued for a slow receiver. */
  backlogBytes: 1024 * 1024,
}

export type GatewayLimits = Readonly<typeof GATEWAY_LIMITS>
