import { StraightwayError } from '../shared/errors.ts'

/** INDEX as an admin's script sees it: plain REST with an API key. */
export class Admin {
  readonly #index: string
  readonly #key: string

  constructor(index: string, key: string) {
    this.#index = index
    this.#key = key
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.#send('POST', path, body)
  }

  put<T>(path: string, body: object): Promise<T> {
    return this.#send('PUT', path, body)
  }

  async #send<T>(method: string, path: string, body: object): Promise<T> {
    const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' }
    const response = await fetch(`${this.#index}${path}`, { method, headers, body: JSON.stringify(body) })
    const text = await response.text()
    if (!response.ok)
      throw new StraightwayError('bad-request', `${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
}
