/** Parts that the schemas of answers share. */
import { z } from 'zod'
import { makerSchema } from '../../shared/model/audit.ts'
import type { Metadata } from '../../shared/presence.ts'
import type { Json, JsonObject } from '../../shared/resources.ts'

/** The type without `readonly`, and with properties that may be undefined as optional ones. */
type Plain<T> = T extends Json | JsonObject | Metadata
  ? T extends object
    ? PlainObject<T>
    : T
  : PlainObject<T>
type PlainObject<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Name in keyof T]: Plain<Exclude<T[Name], undefined>> }
    : T

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** Returns the schema unchanged. Does not compile unless the schema's output is exactly the record `T`. */
export const of =
  <T>() =>
  <S extends z.ZodType>(schema: S & (Same<Plain<z.output<S>>, Plain<T>> extends true ? unknown : never)): S =>
    schema

export const time = z.int().min(0).describe('Epoch milliseconds')
export const kept = { createdAt: time, updatedAt: time, version: z.int().min(0) }
export const json = z
  .custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  .meta({ type: 'object' })
export const maker = makerSchema
