import type { DirectoryReply, DirectoryRequest, Standing } from '../shared/directory.ts'

/** Answers as a directory with empty tables, in which every peer may sign in and has the given standing. */
export function replyOfEmptyTables(
  request: DirectoryRequest,
  standing: Standing = { networks: [], blocks: 0 },
): DirectoryReply {
  switch (request.kind) {
    case 'signIn':
      return { kind: request.kind, outcome: 'taken', standing }
    case 'standings':
      return { kind: request.kind, standings: request.peers.map(() => standing) }
    case 'blocks':
      return { kind: request.kind, version: 0, blocks: [] }
    case 'paths':
    case 'joinNetworks':
      return { kind: request.kind, paths: request.networks.map(() => 'auto') }
    case 'storeMail':
      return { kind: request.kind, outcome: 'full' }
    case 'readMail':
      return { kind: request.kind, messages: [], more: false }
    case 'find':
      return { kind: request.kind, found: [], more: false }
    default:
      return { kind: request.kind }
  }
}
