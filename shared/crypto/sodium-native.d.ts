/** The package has no types. */
declare module 'sodium-native' {
  const sodium: import('./primitives.ts').Sodium
  export default sodium
}
