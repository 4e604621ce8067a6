/** The part of proxy-from-env that is used here; the package has no types. */
declare module 'proxy-from-env' {
  /** The proxy for a URL; empty if none. */
  export function getProxyForUrl(url: string): string
}
