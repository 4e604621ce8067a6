/**
 * Enrolment of a peer, in one of three ways:
 *
 *   - by an invite: for a new user, or for the user that the invite names;
 *   - by an ID token: for the user of its subject;
 *   - by both: for the user of the subject, who joins the network of the invite.
 */
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { nameSchema, type User } from '../../shared/model/user.ts'
import { enrol } from '../../shared/store/enrolments.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { createUsers } from '../../shared/store/users.ts'
import type { Context } from './context.ts'
import { proven } from './credentials.ts'
import { ok, type Reply } from './reply.ts'
import { bodyOf, type Request } from './request.ts'
import { ticketFor, tokenSchema } from './tickets.ts'

export const enrolmentSchema = z
  .strictObject({
    proof: tokenSchema,
    invite: z.string().max(64).optional(),
    idToken: tokenSchema.optional(),
    /** The nonce with which the ID token was requested. Not needed if the nonce is the id of the peer. */
    nonce: z.string().max(512).optional(),
    /** Name of the peer. */
    name: nameSchema.optional(),
    user: z.strictObject({ name: nameSchema }).optional(),
  })
  .refine(
    ({ invite, idToken }) => invite !== undefined || idToken !== undefined,
    'give an `invite` or an `idToken`',
  )

type Body = z.infer<typeof enrolmentSchema>

/** Enrols a peer. Answers 201 if anything was made, 200 if the peer was already enrolled in this way. */
export async function createEnrolment(request: Request): Promise<Reply> {
  const { context } = request
  const body = bodyOf(request, enrolmentSchema)
  const peer = await proven(request, body.proof)
  const identified =
    body.idToken === undefined ? undefined : await identify(context, peer, body.idToken, body)
  const { user, made } = await enrolled(context, peer, identified, body)
  const reply = ok({ peer, ...(await ticketFor(context, peer, user)) })
  const location = { location: `/v1/peers/${peer}` }
  return made ? { ...reply, statusCode: 201, headers: { ...reply.headers, ...location } } : reply
}

async function identify(
  { client, identityProvider, now }: Context,
  peer: PeerId,
  idToken: string,
  { user, nonce }: Body,
): Promise<User> {
  const { subject, name } = await identityProvider.verify(idToken, now(), { nonce, peer })
  return createUsers(client).ofSubject({ subject, name: name ?? user?.name ?? 'user' }, now())
}

async function enrolled({ client, now }: Context, peer: PeerId, identified: User | undefined, body: Body) {
  const { invite, name, user } = body
  if (invite !== undefined) {
    const who = { user: identified?.user, userName: user?.name }
    return enrol(client, { peer, peerName: name, code: invite, ...who }, now())
  }
  if (identified === undefined) throw new StraightwayError('bad-request', 'Give an `invite` or an `idToken`')
  const { made } = await createPeers(client).bind({ peer, user: identified.user, name }, now())
  return { user: identified, made }
}
