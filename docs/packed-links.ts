/**
 * The links of a document as they are in the package. A target that travels along stays relative. Anything else leads to
 * the repository, if package.json names one; otherwise a link is only its text, and a picture is left out.
 */
import { posix } from 'node:path'

export interface Packed {
  /** Path of the document from the root, such as `peer/README.md`. */
  readonly document: string
  /** True if a path from the root is in the package. */
  readonly travels: (path: string) => boolean
  /** Address of the repository, such as `https://example.com/team/project`. */
  readonly repository: string | undefined
}

const LINK = /(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)/g

export function packedLinks(markdown: string, { document, travels, repository }: Packed): string {
  return markdown.replace(LINK, (whole, mark: string, text: string, target: string) => {
    const path = posix.join(posix.dirname(document), target.replace(/#.*$/, ''))
    if (travels(path)) return whole
    const isPicture = mark === '!'
    if (repository === undefined) return isPicture ? '' : text
    const kind = isPicture ? 'raw' : target.endsWith('/') ? 'tree' : 'blob'
    return `${mark}[${text}](${repository}/${kind}/main/${path})`
  })
}

/** Returns the address for people of the `repository` of a package.json; undefined if there is none. */
export function addressOf(repository: { readonly url: string } | undefined): string | undefined {
  return repository?.url.replace(/^git\+|\.git$/g, '')
}
