/** INDEX, with its key fetched first. */
import './startup.ts'

export { handler } from '../rest/index.ts'
