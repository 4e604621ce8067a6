/** The quotas of API Gateway (REST and WebSocket APIs) and of a synchronous Lambda call. */
export const GATEWAY_LIMITS = {
  /** All headers of a request together. */
  headerBytes: 10_240,
  /** Body of a request. */
  requestBytes: 10 * 1024 * 1024,
  /** Event and result of a Lambda call, as JSON. */
  payloadBytes: 6 * 1024 * 1024,
  /** How long a handler may take before the caller gets 504. */
  integrationMs: 29_000,
  /** How long a caller may take to send its headers, and its whole request. */
  headersMs: 10_000,
  requestMs: 30_000,
  /** A WebSocket frame. Clients send a message as one frame, so it is held to the same. */
  frameBytes: 32 * 1024,
  /** A message posted to a connection. */
  messageBytes: 128 * 1024,
  /** A connection without a message in either direction ends, and every connection ends after two hours. */
  idleMs: 10 * 60_000,
  connectionMs: 2 * 3600_000,
  /** Bytes that may wait for a slow receiver. */
  backlogBytes: 1024 * 1024,
}

export type GatewayLimits = Readonly<typeof GATEWAY_LIMITS>
