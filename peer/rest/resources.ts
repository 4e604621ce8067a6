/** What INDEX answers, as the SDK tells it. */
export type * from '../../shared/resources.ts'
