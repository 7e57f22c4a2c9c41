import * as onnxruntime from 'onnxruntime-web'
import { argmax } from './measure.ts'

/** One thread: the sums of several come in no fixed order. */
onnxruntime.env.wasm.numThreads = 1

const BATCH = 32

/**
 * Answers of an ONNX file with one float32 input and one float32 output, one row for each sample. A sample is a vector
 * unless its shape is stated.
 */
export const runModel = async (
  bytes: Uint8Array,
  ports: { readonly input: string; readonly output: string },
  samples: readonly Float32Array[],
  shape: readonly number[] = [samples[0]?.length ?? 0],
): Promise<Float64Array[]> => {
  const width = samples[0]?.length
  if (width === undefined) throw new TypeError('There are no samples to run')
  const session = await onnxruntime.InferenceSession.create(bytes)
  const answers: Float64Array[] = []
  for (let start = 0; start < samples.length; start += BATCH) {
    const batch = samples.slice(start, start + BATCH)
    const data = new Float32Array(batch.length * width)
    for (const [index, sample] of batch.entries()) data.set(sample, index * width)
    const results = await session.run({
      [ports.input]: new onnxruntime.Tensor('float32', data, [batch.length, ...shape]),
    })
    const answer = results[ports.output]
    if (answer === undefined || !(answer.data instanceof Float32Array)) throw new Error(`No float32 ${ports.output}`)
    const columns = answer.data.length / batch.length
    for (let row = 0; row < batch.length; row += 1)
      answers.push(Float64Array.from(answer.data.subarray(row * columns, (row + 1) * columns)))
  }
  await session.release()
  return answers
}

/** Largest difference of two sets of answers; not a number where either one is not. */
export const largestDifference = (a: readonly Float64Array[], b: readonly Float64Array[]): number => {
  const differences = a.map((row, index) =>
    Math.max(...row.map((value, column) => Math.abs(value - b[index]![column]!))),
  )
  return differences[argmax(differences)] ?? 0
}
