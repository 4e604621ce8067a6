/** The package has no types. */
declare module 'noise-handshake' {
  const NoiseState: import('./primitives.ts').NoiseHandshakes
  export default NoiseState
}
