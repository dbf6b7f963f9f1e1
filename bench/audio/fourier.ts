/** The power spectrum of real frames, by a radix-2 fast Fourier transform (Cooley and Tukey, 1965). */

/** Computes spectra of frames of one length. */
export class PowerSpectrum {
  readonly #size: number
  readonly #cosines: Float64Array
  readonly #sines: Float64Array
  readonly #real: Float64Array
  readonly #imaginary: Float64Array

  /** Frames are filled up with zeros to `size`, a power of two. */
  constructor(size: number) {
    if (size < 2 || (size & (size - 1)) !== 0) throw new RangeError(`a transform of ${size} values`)
    this.#size = size
    this.#cosines = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size))
    this.#sines = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size))
    this.#real = new Float64Array(size)
    this.#imaginary = new Float64Array(size)
  }

  /** Returns the power at each of the `size / 2 + 1` frequencies. */
  of(frame: ArrayLike<number>): Float64Array {
    this.#load(frame)
    for (let span = 1; span < this.#size; span *= 2) this.#combine(span)
    return Float64Array.from(
      { length: this.#size / 2 + 1 },
      (_, i) => (this.#real[i] ?? 0) ** 2 + (this.#imaginary[i] ?? 0) ** 2,
    )
  }

  /** In the order of the reversed bits of the index. */
  #load(frame: ArrayLike<number>): void {
    const bits = Math.log2(this.#size)
    this.#imaginary.fill(0)
    for (let i = 0; i < this.#size; i++) {
      let reversed = 0
      for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit)
      this.#real[reversed] = frame[i] ?? 0
    }
  }

  #combine(span: number): void {
    const stride = this.#size / (2 * span)
    for (let start = 0; start < this.#size; start += 2 * span) {
      for (let k = 0; k < span; k++) this.#butterfly(start + k, start + k + span, k * stride)
    }
  }

  #butterfly(a: number, b: number, turn: number): void {
    const [cosine, sine] = [this.#cosines[turn] ?? 0, this.#sines[turn] ?? 0]
    const [bReal, bImaginary] = [this.#real[b] ?? 0, this.#imaginary[b] ?? 0]
    const real = bReal * cosine - bImaginary * sine
    const imaginary = bReal * sine + bImaginary * cosine
    this.#real[b] = (this.#real[a] ?? 0) - real
    this.#imaginary[b] = (this.#imaginary[a] ?? 0) - imaginary
    this.#real[a] = (this.#real[a] ?? 0) + real
    this.#imaginary[a] = (this.#imaginary[a] ?? 0) + imaginary
  }
}

/** Returns `samples` cut into frames under a Hann window, `step` apart. */
export function framesOf(samples: ArrayLike<number>, length: number, step: number): Float64Array[] {
  const window = Float64Array.from(
    { length },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (length + 1)),
  )
  const count = Math.max(0, Math.floor((samples.length - length) / step) + 1)
  return Array.from({ length: count }, (_, frame) =>
    window.map((weight, i) => weight * (samples[frame * step + i] ?? 0)),
  )
}
