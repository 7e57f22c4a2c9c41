import * as onnxruntime from 'onnxruntime-web'
import { argmax } from './measure.ts'

/** One thread: the sums of several come in no fixed order. */
onnxruntime.env.wasm.numThreads = 1

const BATCH = 32

/** The samples of one ONNX input, each a vector unless its shape is stated. */
export interface Samples {
  readonly samples: readonly Float32Array[]
  readonly shape?: readonly number[]
}

/** Answers of an ONNX file with float32 inputs, one row of its float32 output for each sample. */
export const runModelOf = async (
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Samples>>,
  output: string,
): Promise<Float64Array[]> => {
  const count = Object.values(inputs)[0]?.samples.length ?? 0
  if (count === 0) throw new TypeError('There are no samples to run')
  const session = await onnxruntime.InferenceSession.create(bytes)
  const answers: Float64Array[] = []
  for (let start = 0; start < count; start += BATCH) {
    const rows = Math.min(BATCH, count - start)
    const feeds = Object.entries(inputs).map(([name, { samples, shape }]) => {
      const width = samples[start]!.length
      const data = new Float32Array(rows * width)
      for (let row = 0; row < rows; row += 1) data.set(samples[start + row]!, row * width)
      return [name, new onnxruntime.Tensor('float32', data, [rows, ...(shape ?? [width])])] as const
    })
    const answer = (await session.run(Object.fromEntries(feeds)))[output]
    if (answer === undefined || !(answer.data instanceof Float32Array)) throw new Error(`No float32 ${output}`)
    const columns = answer.data.length / rows
    for (let row = 0; row < rows; row += 1)
      answers.push(Float64Array.from(answer.data.subarray(row * columns, (row + 1) * columns)))
  }
  await session.release()
  return answers
}

/** The same of a file with one input. */
export const runModel = (
  bytes: Uint8Array,
  ports: { readonly input: string; readonly output: string },
  samples: readonly Float32Array[],
  shape?: readonly number[],
): Promise<Float64Array[]> => runModelOf(bytes, { [ports.input]: { samples, ...(shape && { shape }) } }, ports.output)

/** Largest difference of two sets of answers; not a number where either one is not. */
export const largestDifference = (a: readonly Float64Array[], b: readonly Float64Array[]): number => {
  const differences = a.map((row, index) =>
    Math.max(...row.map((value, column) => Math.abs(value - b[index]![column]!))),
  )
  return differences[argmax(differences)] ?? 0
}
