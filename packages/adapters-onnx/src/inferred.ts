import type { DataType, Tensor } from '@dinrail/core'

/** What callers send, as the recipes say it; anything where the file alone says it. */
export type InputOfRecipes<Inputs, Context> =
  IsUnsaid<Inputs> extends true
    ? Readonly<Record<string, unknown>>
    : Named<FieldsOfInputs<Inputs> | FieldsOfContext<Context> | SessionField<Inputs>>

/** What callers get. */
export type OutputOfRecipes<Outputs> =
  IsUnsaid<Outputs> extends true
    ? Readonly<Record<string, unknown>>
    : Named<{ [Name in keyof Outputs]: FieldOfOutput<Name, Outputs[Name]> }[keyof Outputs]>

/** Recipes of nothing leave all to the file, as none do. */
type IsUnsaid<Recipes> = string extends keyof Recipes ? true : [keyof Recipes] extends [never] ? true : false

/** A label and how probable each of them is. */
export interface Classification<Label extends string> {
  readonly label: Label
  readonly probabilities: Readonly<Record<Label, number>>
}

/** A value and where the truth lies with the probability `level`. */
export interface ValueWithInterval<Value> {
  readonly value: Value
  readonly low: Value
  readonly high: Value
  readonly level: number
}

type Named<Fields> = Flat<
  { readonly [One in Extract<Fields, readonly [PropertyKey, unknown, 'required']> as One[0]]: One[1] } & {
    readonly [One in Extract<Fields, readonly [PropertyKey, unknown, 'optional']> as One[0]]?: One[1]
  }
>
type Flat<T> = { [Key in keyof T]: T[Key] }

type FieldsOfInputs<Inputs> = { [Name in keyof Inputs]: FieldOfInput<Name, Inputs[Name]> }[keyof Inputs]

type FieldOfInput<Name, Recipe> = Recipe extends {
  readonly vector: readonly (infer Column)[]
  readonly window: { readonly from: 'input' }
}
  ? Column extends { readonly name: infer Field extends string }
    ? readonly [Field, Tensor<'float32'>, 'required']
    : never
  : Recipe extends { readonly vector: readonly (infer Column)[] }
    ? FieldOfColumn<Column>
    : Recipe extends { readonly tensor: infer One }
      ? readonly [FieldName<One, Name>, TensorSent<One>, 'required']
      : Recipe extends { readonly image: infer One }
        ? readonly [FieldName<One, Name>, Tensor<'uint8'>, 'required']
        : Recipe extends { readonly text: infer One }
          ? readonly [FieldName<One, Name>, TextOf<One>, 'required']
          : never

type FieldOfColumn<Column> = Column extends { readonly name: infer Name extends string }
  ? Column extends { readonly categories: readonly (infer Category)[] }
    ? readonly [Name, Category, Presence<Column>]
    : readonly [Name, number, Presence<Column>]
  : never

type Presence<One> = One extends { readonly missing: 'hold' | 'impute' } ? 'optional' : 'required'
type FieldName<One, Otherwise> = One extends { readonly field: infer Name extends string } ? Name : Otherwise

/** The compiler doesn't know the file: unless stated, its own type may be any, and what is calculated is one of two. */
type GivenTypeOf<One> = One extends { readonly dtype: infer Type extends DataType }
  ? Type
  : One extends { readonly scale: object } | { readonly interval: object }
    ? 'float32' | 'float64'
    : DataType

/** One for each type, so that a look at `dtype` tells which `data` is. */
type TensorOf<Type extends DataType> = Type extends DataType ? Tensor<Type> : never

type TextOf<One> = One extends { readonly many: true } ? readonly string[] : string

type FieldsOfContext<Context> = {
  [Name in keyof Context]: readonly [Name, number, Presence<Context[Name]>]
}[keyof Context]

/** The compiler doesn't know the file: of a type that is not stated, any may be what it takes. */
type TensorSent<One> = One extends { readonly dtype: infer Type extends DataType } ? Tensor<Type> : Tensor

type SessionField<Inputs> =
  Extract<
    Inputs[keyof Inputs],
    | { readonly state: string }
    | { readonly window: { readonly from: 'calls' } }
    | { readonly tensor: { readonly overlap: number } }
  > extends never
    ? never
    : readonly ['session', string, 'optional']

type FieldOfOutput<Name, Recipe> = Recipe extends { readonly labels: readonly (infer Label extends string)[] }
  ? Recipe extends { readonly field: infer Field extends string }
    ? readonly [Field, Classification<Label>, 'required']
    : readonly ['label', Label, 'required'] | readonly ['probabilities', Readonly<Record<Label, number>>, 'required']
  : Recipe extends { readonly values: readonly (infer Value)[] }
    ? Value extends { readonly name: infer Field extends string }
      ? readonly [Field, WithInterval<Value, number>, 'required']
      : never
    : Recipe extends { readonly tensor: infer One }
      ? readonly [FieldName<One, Name>, WithInterval<One, TensorOf<GivenTypeOf<One>>>, 'required']
      : Recipe extends { readonly text: infer One }
        ? readonly [FieldName<One, Name>, TextOf<One>, 'required']
        : Recipe extends { readonly characters: { readonly field: infer Field extends string } }
          ? readonly [Field, string, 'required']
          : never

type WithInterval<One, Value> = One extends { readonly interval: object } ? ValueWithInterval<Value> : Value
