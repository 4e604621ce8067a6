/** What we use of proxy-from-env, which has no types of its own. */
declare module 'proxy-from-env' {
  /** Empty: none. */
  export function getProxyForUrl(url: string): string
}
