/** Routes for the audit trail: a record of every administrative change, newest first. */
import { z } from 'zod'
import { makerSchema } from '../../shared/model/audit.ts'
import { createAudit } from '../../shared/store/audit.ts'
import { auditAnswer, pageOf } from './answers.ts'
import { visibleNetwork } from './networks.ts'
import { page } from './reply.ts'
import { PAGE, route } from './route.ts'

const tag = 'Audit trail'

const time = z
  .string()
  .regex(/^\d{1,13}$/, 'epoch milliseconds')
  .transform(Number)
const name = z.string().regex(/^[\w:-]{1,80}$/, 'is no id')

const SOUGHT = {
  ...PAGE,
  by: makerSchema.optional(),
  about: name.optional(),
  operation: name.optional(),
  since: time.optional(),
  until: time.optional(),
}

export const auditRoutes = [
  route({
    operation: 'listAudit',
    door: 'GET /v1/audit',
    who: 'key',
    permission: 'audit.read',
    tag,
    summary: 'Lists changes, with who made them and how, newest first',
    query: { ...SOUGHT, subject: name.optional() },
    answers: { 200: pageOf(auditAnswer) },
    async handle({ context: { client, now }, allow, query }) {
      allow()
      return page(await createAudit(client).list(query, query, now()))
    },
  }),
  route({
    operation: 'listNetworkAudit',
    door: 'GET /v1/networks/{network}/audit',
    who: 'credential',
    permission: 'network.audit',
    tag,
    summary: 'Lists changes of a network, its members and invites; for its admins',
    query: SOUGHT,
    answers: { 200: pageOf(auditAnswer) },
    async handle(call) {
      const { network } = await visibleNetwork(call)
      call.allow({ networks: [network] })
      const { client, now } = call.context
      return page(await createAudit(client).list({ ...call.query, subject: network }, call.query, now()))
    },
  }),
]
