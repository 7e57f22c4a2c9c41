import type { ModelPort } from './model-file.ts'
import type { OnnxMetadata } from './runtime.ts'

/** The runtimes read a shape that the file leaves out as that of a scalar: whatever has it is given no shape. */
export function withoutGuesses(all: readonly OnnxMetadata[], ports: readonly ModelPort[]): readonly OnnxMetadata[] {
  return all.map((one) => {
    const isGuess = one.shape?.length === 0 && ports.some(({ name, dims }) => name === one.name && dims === undefined)
    if (!isGuess) return one
    const { shape: _, ...rest } = one
    return rest
  })
}

/** What to do about a tensor whose number of axes only its author can know. */
export function unknownAxes(side: 'input' | 'output', name: string): TypeError {
  return new TypeError(
    `the file does not say how many axes the ONNX ${side} '${name}' has: state its shape, as in ${side}s: { ${JSON.stringify(name)}: { tensor: { shape: ['rows', 64] } } }, or export it with one`,
  )
}
