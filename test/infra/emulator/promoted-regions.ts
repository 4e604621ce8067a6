/** The region that was lost. Nothing of the trial refers to it. */
export const LOST = 'eu-west-1'
export const TAKES_OVER = 'us-west-2'
