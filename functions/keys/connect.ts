/** `$connect`, with its key fetched first. */
import './startup.ts'

export { handler } from '../gateway/connect.ts'
