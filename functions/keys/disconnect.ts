/** `$disconnect`, with its key fetched first. */
import './startup.ts'

export { handler } from '../gateway/disconnect.ts'
