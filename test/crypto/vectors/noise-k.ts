/** The vector of noise-c (tests/vector/noise-c-basic.txt) for Noise_K_25519_ChaChaPoly_BLAKE2b: keys, and the one message of the handshake. */
export const NOISE_K = {
  prologue: '50726f6c6f677565313233',
  initiatorStatic: 'e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1',
  initiatorPublic: '6bc3822a2aa7f4e6981d6538692b3cdf3e6df9eea6ed269eb41d93c22757b75a',
  initiatorEphemeral: '893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a',
  responderStatic: '4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893',
  responderPublic: '31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62',
  payload: '4c756477696720766f6e204d69736573',
  message:
    'ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944885229f6a2df09fa34da59d16524153882972086e09d52e756ce809b5b9399ca',
} as const
