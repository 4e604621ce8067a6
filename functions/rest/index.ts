/** The Lambda of INDEX, configured by its environment (config.ts). */
import { contextFrom } from './context.ts'
import { createHandler } from './handler.ts'

export const handler = createHandler(contextFrom(process.env))
