/** A complex signal as two arrays of the same length. */
export interface Complex {
  readonly real: Float64Array
  readonly imaginary: Float64Array
}

/**
 * Discrete Fourier transform, X[k] = Σ x[n]·e^(−2πi·kn/N), by the radix-2 algorithm of Cooley and Tukey.
 * The inverse divides by N. The length is a power of two; anything else is a `TypeError`.
 */
export const fourier = (signal: Complex, direction: 'forward' | 'inverse' = 'forward'): Complex => {
  const size = signal.real.length
  if (size === 0 || (size & (size - 1)) !== 0) throw new TypeError(`${size} is not a power of two`)
  const real = new Float64Array(size)
  const imaginary = new Float64Array(size)
  for (let index = 0, reversed = 0; index < size; index += 1) {
    real[reversed] = signal.real[index]!
    imaginary[reversed] = signal.imaginary[index]!
    let bit = size >> 1
    while (bit > 0 && (reversed & bit) !== 0) {
      reversed ^= bit
      bit >>= 1
    }
    reversed |= bit
  }
  const sign = direction === 'forward' ? -1 : 1
  for (let span = 2; span <= size; span *= 2) {
    const half = span / 2
    for (let offset = 0; offset < half; offset += 1) {
      const angle = (sign * 2 * Math.PI * offset) / span
      const cosine = Math.cos(angle)
      const sine = Math.sin(angle)
      for (let even = offset; even < size; even += span) {
        const odd = even + half
        const oddReal = real[odd]! * cosine - imaginary[odd]! * sine
        const oddImaginary = real[odd]! * sine + imaginary[odd]! * cosine
        real[odd] = real[even]! - oddReal
        imaginary[odd] = imaginary[even]! - oddImaginary
        real[even] = real[even]! + oddReal
        imaginary[even] = imaginary[even]! + oddImaginary
      }
    }
  }
  if (direction === 'inverse') {
    for (let index = 0; index < size; index += 1) {
      real[index] = real[index]! / size
      imaginary[index] = imaginary[index]! / size
    }
  }
  return { real, imaginary }
}

/** Power |X[k]|² of a real signal at the bins 0 … bins − 1. */
export const powerSpectrum = (signal: Float64Array, bins: number): Float64Array => {
  const { real, imaginary } = fourier({ real: signal, imaginary: new Float64Array(signal.length) })
  return Float64Array.from({ length: bins }, (_, bin) => real[bin]! ** 2 + imaginary[bin]! ** 2)
}

/** Periodic Hann window. */
export const hannWindow = (size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / size))
