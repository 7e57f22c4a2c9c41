/** The part of a card that says where a model comes from. */
interface CardOrigin {
  readonly data: { readonly name: string; readonly source: string; readonly licence: string; readonly sha256: string }
  readonly licence: string
  readonly limitations: readonly string[]
}

/** What a card says of where a model comes from and how far it may be believed, as its descriptor says it. */
export const provenanceOf = (
  { data: { name, source, licence: dataLicence, sha256 }, licence, limitations }: CardOrigin,
  metrics: Readonly<Record<string, number | readonly number[] | string>>,
) => ({ data: [{ name, source, licence: dataLicence, sha256 }], metrics, licence, limitations })

/** A card's range of a feature as the limits of a field. */
export const trainingLimits = ({
  minimum: min,
  maximum: max,
}: {
  readonly minimum: number
  readonly maximum: number
}) => ({
  training: { min, max },
})
