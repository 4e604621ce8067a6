/** An operation of INDEX as a command of `straightway admin`. */
export interface AdminCommand {
  readonly operation: string
  readonly summary: string
  /** Parameters of the path, in order. */
  readonly parameters: readonly string[]
  readonly options: readonly AdminOption[]
  /** Fields of the record that it answers, or of an item of its page, in the order in which they are shown. */
  readonly columns: readonly string[]
  readonly body?: true
  /** It takes the version that the resource must have. */
  readonly conditional?: true
  /** It needs no key. */
  readonly open?: true
}

export interface AdminOption {
  readonly name: string
  readonly in: 'query' | 'body'
  /** `list`: texts, separated by commas. */
  readonly kind: 'text' | 'number' | 'boolean' | 'list' | 'json'
  readonly choices?: readonly string[]
  readonly required?: true
  /** `null` removes it. */
  readonly nullable?: true
}
