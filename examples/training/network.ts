/** A multi-layer perceptron with ReLU units, trained by AdamW on the cross-entropy of a softmax. */
import type { Random } from './random.ts'

export interface Layer {
  readonly inputs: number
  readonly outputs: number
  /** Row-major [inputs, outputs]. */
  readonly weights: Float64Array
  readonly biases: Float64Array
}

export type Network = readonly Layer[]

export interface Training {
  readonly hidden: readonly number[]
  readonly classes: number
  readonly epochs: number
  readonly batch: number
  readonly learningRate: number
  /** Decoupled weight decay (Loshchilov and Hutter 2019). */
  readonly weightDecay: number
  /** Share of the target spread evenly over all classes. */
  readonly labelSmoothing: number
  /** Disturbs a standardised sample in place, so that the network does not lean on details of the rig. */
  readonly disturb: (sample: Float64Array, random: Random) => void
}

export const trainNetwork = (
  samples: readonly Float64Array[],
  labels: readonly number[],
  training: Training,
  random: Random,
): Network => {
  const width = samples[0]?.length
  if (width === undefined) throw new TypeError('A network needs samples to train on')
  const sizes = [width, ...training.hidden, training.classes]
  const layers = sizes.slice(1).map((outputs, index) => initialLayer(sizes[index]!, outputs, random))
  const gradients = layers.map((layer) => new Float64Array(layer.weights.length + layer.biases.length))
  const moments = gradients.map((gradient) => ({
    first: new Float64Array(gradient.length),
    second: new Float64Array(gradient.length),
  }))
  const steps = training.epochs * Math.ceil(samples.length / training.batch)
  let step = 0
  for (let epoch = 0; epoch < training.epochs; epoch += 1) {
    const order = random.shuffled(samples.map((_, index) => index))
    for (let start = 0; start < order.length; start += training.batch) {
      const batch = order.slice(start, start + training.batch)
      for (const gradient of gradients) gradient.fill(0)
      for (const index of batch) {
        const sample = samples[index]!.slice()
        training.disturb(sample, random)
        accumulate(layers, gradients, sample, labels[index]!, training.labelSmoothing, 1 / batch.length)
      }
      step += 1
      // One half-period of the cosine takes the rate down to zero.
      const rate = training.learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
      for (const [index, layer] of layers.entries())
        descend(layer, gradients[index]!, moments[index]!, step, rate, training.weightDecay)
    }
  }
  return layers
}

/** The logits of one sample. */
export const networkLogits = (network: Network, sample: Float64Array): Float64Array =>
  activations(network, sample).at(-1)!

const initialLayer = (inputs: number, outputs: number, random: Random): Layer => {
  const spread = Math.sqrt(2 / inputs)
  return {
    inputs,
    outputs,
    weights: Float64Array.from({ length: inputs * outputs }, () => spread * random.normal()),
    biases: new Float64Array(outputs),
  }
}

/** The sample, then the output of every layer; hidden layers are rectified. */
const activations = (network: Network, sample: Float64Array): Float64Array[] => {
  const values = [sample]
  network.forEach((layer, depth) => {
    const input = values[depth]!
    const output = layer.biases.slice()
    for (let from = 0; from < layer.inputs; from += 1) {
      const value = input[from]!
      if (value === 0) continue
      const row = from * layer.outputs
      for (let to = 0; to < layer.outputs; to += 1) output[to] = output[to]! + value * layer.weights[row + to]!
    }
    if (depth < network.length - 1) for (let to = 0; to < output.length; to += 1) output[to] = Math.max(0, output[to]!)
    values.push(output)
  })
  return values
}

/** Adds the gradient of one sample, weights first and biases after them. */
const accumulate = (
  network: Network,
  gradients: readonly Float64Array[],
  sample: Float64Array,
  label: number,
  labelSmoothing: number,
  share: number,
): void => {
  const values = activations(network, sample)
  const probabilities = softmax(values.at(-1)!)
  let slope = probabilities.map((probability, output) => {
    const target = labelSmoothing / probabilities.length + (output === label ? 1 - labelSmoothing : 0)
    return (probability - target) * share
  })
  for (let depth = network.length - 1; depth >= 0; depth -= 1) {
    const layer = network[depth]!
    const input = values[depth]!
    const gradient = gradients[depth]!
    const before = new Float64Array(layer.inputs)
    for (let from = 0; from < layer.inputs; from += 1) {
      const value = input[from]!
      const row = from * layer.outputs
      let sum = 0
      for (let to = 0; to < layer.outputs; to += 1) {
        const change = slope[to]!
        gradient[row + to] = gradient[row + to]! + value * change
        sum += layer.weights[row + to]! * change
      }
      if (value > 0) before[from] = sum
    }
    for (let to = 0; to < layer.outputs; to += 1) {
      const bias = layer.weights.length + to
      gradient[bias] = gradient[bias]! + slope[to]!
    }
    slope = before
  }
}

const FIRST_DECAY = 0.9
const SECOND_DECAY = 0.999

const descend = (
  layer: Layer,
  gradient: Float64Array,
  moments: { readonly first: Float64Array; readonly second: Float64Array },
  step: number,
  rate: number,
  weightDecay: number,
): void => {
  const firstCorrection = 1 - FIRST_DECAY ** step
  const secondCorrection = 1 - SECOND_DECAY ** step
  for (let index = 0; index < gradient.length; index += 1) {
    const slope = gradient[index]!
    const first = FIRST_DECAY * moments.first[index]! + (1 - FIRST_DECAY) * slope
    const second = SECOND_DECAY * moments.second[index]! + (1 - SECOND_DECAY) * slope * slope
    moments.first[index] = first
    moments.second[index] = second
    const change = (rate * (first / firstCorrection)) / (Math.sqrt(second / secondCorrection) + 1e-8)
    if (index < layer.weights.length) layer.weights[index] = layer.weights[index]! * (1 - rate * weightDecay) - change
    else {
      const bias = index - layer.weights.length
      layer.biases[bias] = layer.biases[bias]! - change
    }
  }
}

export const softmax = (logits: Float64Array, temperature = 1): Float64Array => {
  const largest = Math.max(...logits)
  const weights = logits.map((logit) => Math.exp((logit - largest) / temperature))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
