/**
 * The vector of noise-c (tests/vector/noise-c-basic.txt) for Noise_IK_25519_ChaChaPoly_BLAKE2b: keys, two handshake messages,
 * then transport messages in alternating directions, the initiator's first.
 */
export const NOISE_IK = {
  prologue: '50726f6c6f677565313233',
  initiatorStatic: 'e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1',
  initiatorEphemeral: '893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a',
  responderStatic: '4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893',
  responderPublic: '31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62',
  responderEphemeral: 'bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b',
  hash: '00e51d2aac81a9b8ebe441d6af3e1c8efc0f030cc608332edcb42588ff6a0ce26415ddc106e95277a5e6d54132f1e5245976b89caf96d262f1fe5a7f0c55c078',
  messages: [
    {
      payload: '4c756477696720766f6e204d69736573',
      bytes:
        'ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944ba83a447b38c83e327ad936929812f624884847b7831e95e197b2f797088efdd232fe541af156ec6d0657602902a8c3ee64e470f4b6fcd9298ce0b56fe20f86e60d9d933ec6e103ffb09e6001d6abb64',
    },
    {
      payload: '4d757272617920526f746862617264',
      bytes:
        '95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088439f069b267a06b3de3ecb1043bcb09807c6cd101f3826192a65f11ef3fe4317',
    },
  ],
  transport: [
    { payload: '462e20412e20486179656b', bytes: 'cd54383060e7a28434cca27fb1cc524cfbabeb18181589df219d07' },
    { payload: '4361726c204d656e676572', bytes: 'a856d3bf0246bfc476c655009cd1ed677b8dcc5b349ae8ef2a05f2' },
    {
      payload: '4a65616e2d426170746973746520536179',
      bytes: '49063084b2c51f098337cb8a13739ac848f907e67cfb2cc8a8b60586467aa02fc7',
    },
    {
      payload: '457567656e2042f6686d20766f6e2042617765726b',
      bytes: '8b9709d23b47e4639df7678d7a21741eba4ef1e9c60383001c7435549c20f9d56f30e935d3',
    },
  ],
} as const
