/** Routes that need no credential: health, bootstrap, enrolment and tickets. */
import { bootstrapAnswer, enrolmentAnswer, healthAnswer, ticketAnswer } from './answers.ts'
import { readBootstrap } from './bootstrap.ts'
import { createEnrolment, enrolmentSchema } from './enrolments.ts'
import { readHealth } from './health.ts'
import { route } from './route.ts'
import { createTicket, ticketRequestSchema } from './tickets.ts'

const tag = 'Start'

export const entryRoutes = [
  route({
    operation: 'readHealth',
    door: 'GET /v1/health',
    who: 'anybody',
    tag,
    summary: 'Says whether INDEX works',
    answers: { 200: healthAnswer, 503: healthAnswer },
    handle: readHealth,
  }),
  route({
    operation: 'readBootstrap',
    door: 'GET /v1/bootstrap',
    who: 'anybody',
    tag,
    summary: 'Ticket keys, nodes and limits: what a peer starts with',
    answers: { 200: bootstrapAnswer },
    handle: readBootstrap,
  }),
  route({
    operation: 'createEnrolment',
    door: 'POST /v1/enrolments',
    who: 'anybody',
    tag,
    summary: 'Bind a peer to a user by an invite or an ID token',
    body: enrolmentSchema,
    answers: { 200: enrolmentAnswer, 201: enrolmentAnswer },
    errors: ['unauthenticated', 'forbidden', 'not-found', 'conflict', 'gone'],
    handle: createEnrolment,
  }),
  route({
    operation: 'createTicket',
    door: 'POST /v1/tickets',
    who: 'anybody',
    tag,
    unrecorded: 'It changes nothing',
    summary: 'A ticket for an enrolled peer',
    body: ticketRequestSchema,
    answers: { 200: ticketAnswer },
    errors: ['unauthenticated', 'forbidden', 'not-found', 'unknown-peer'],
    handle: createTicket,
  }),
]
