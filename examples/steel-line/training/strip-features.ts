/**
 * Measures that the surface model derives from the 27 raw values, twice: in TypeScript for training and as ONNX nodes.
 * Both round every step to float32, so the trees see the same bits.
 */
import type { OnnxGraph } from '../../training/onnx-file.ts'
import { stripFeatures } from './steel-plates.ts'

const at = (name: string): number => stripFeatures.findIndex((feature) => feature.name === name)
const X_MINIMUM = at('xMinimum')
const X_MAXIMUM = at('xMaximum')
const Y_MINIMUM = at('yMinimum')
const Y_MAXIMUM = at('yMaximum')
const AREA = at('pixelsAreas')
const X_PERIMETER = at('xPerimeter')
const Y_PERIMETER = at('yPerimeter')
const LUMINOSITY = at('sumOfLuminosity')
const DARKEST = at('minimumOfLuminosity')
const BRIGHTEST = at('maximumOfLuminosity')

/** The raw values, then the derived ones. */
export const deriveStripFeatures = (raw: Float32Array): Float32Array => {
  const f = Math.fround
  const value = (index: number) => raw[index]!
  const width = Math.max(1, f(value(X_MAXIMUM) - value(X_MINIMUM)))
  const length = Math.max(1, f(value(Y_MAXIMUM) - value(Y_MINIMUM)))
  const area = Math.max(1, value(AREA))
  const brightness = f(value(LUMINOSITY) / area)
  return Float32Array.from([
    ...raw,
    width,
    length,
    brightness,
    f(brightness - value(DARKEST)),
    f(value(BRIGHTEST) - brightness),
    f(value(X_PERIMETER) / width),
    f(value(Y_PERIMETER) / length),
    f(area / f(width * length)),
    f(value(X_PERIMETER) / Math.max(1, value(Y_PERIMETER))),
  ])
}

/** Adds the nodes that widen `features` [batch, 27]; returns the output's name. */
export const addStripFeatures = (graph: OnnxGraph, features: string): string => {
  const { apply, floats, integers } = graph
  const column = (index: number) => apply('Slice', [features, integers([index]), integers([index + 1]), integers([1])])
  const one = floats([1], [1])
  const atLeastOne = (value: string) => apply('Max', [value, one])
  const width = atLeastOne(apply('Sub', [column(X_MAXIMUM), column(X_MINIMUM)]))
  const length = atLeastOne(apply('Sub', [column(Y_MAXIMUM), column(Y_MINIMUM)]))
  const area = atLeastOne(column(AREA))
  const brightness = apply('Div', [column(LUMINOSITY), area])
  return apply(
    'Concat',
    [
      features,
      width,
      length,
      brightness,
      apply('Sub', [brightness, column(DARKEST)]),
      apply('Sub', [column(BRIGHTEST), brightness]),
      apply('Div', [column(X_PERIMETER), width]),
      apply('Div', [column(Y_PERIMETER), length]),
      apply('Div', [area, apply('Mul', [width, length])]),
      apply('Div', [column(X_PERIMETER), atLeastOne(column(Y_PERIMETER))]),
    ],
    { attributes: { axis: { kind: 'integer', value: 1 } } },
  )
}
