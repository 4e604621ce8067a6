/** Parsers of numeric options, for commander's `argParser`. Both ends of a range are included. */
import { InvalidArgumentError } from 'commander'

export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`)
  }
}

export function wholeNumberFrom(least: number, most: number): (text: string) => number {
  const parse = numberFrom(least, most)
  return (text) => {
    if (Number.isInteger(Number(text))) return parse(text)
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`)
  }
}
