import UDX from 'udx-native'

/** One for the process: every socket and stream of it shares a loop and the numbers of streams. */
export const udx = new UDX()
