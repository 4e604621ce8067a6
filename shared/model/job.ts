/**
 * A job is work of several steps that a request starts: the deletion of a user or of a network. It is stored in a table, so
 * that the next run finishes what an earlier run left undone.
 */
import { z } from 'zod'
import type { NetworkId, UserId } from '../ids.ts'
import type { JobRecord } from '../resources.ts'

export type Job = JobRecord
export type JobKind = JobRecord['kind']

export const jobIdSchema = z.string().regex(/^delete-[nu]_[a-z2-7]{16}$/, 'is no job id')

export const jobIdOf = (subject: NetworkId | UserId): string => `delete-${subject}`
