/** The package has no types. */
declare module 'noise-handshake' {
  const NoiseState: import('./primitives.ts').NoiseHandshakes
  export default NoiseState
}

declare module 'noise-handshake/symmetric-state.js' {
  type NoiseSymmetric = import('./primitives.ts').NoiseSymmetric
  const SymmetricState: new () => NoiseSymmetric & { readonly digest: Uint8Array; chainingKey: Uint8Array }
  export default SymmetricState
}
