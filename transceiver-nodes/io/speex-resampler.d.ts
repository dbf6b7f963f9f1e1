/** The Emscripten module that ships without types: only what is called here. */

declare module '@echogarden/speex-resampler-wasm/simd' {
  interface SpeexResampler {
    readonly HEAP16: Int16Array
    readonly HEAPU32: Uint32Array
    readonly _malloc: (bytes: number) => number
    readonly _speex_resampler_init: (
      channels: number,
      fromHz: number,
      toHz: number,
      quality: number,
      errorAt: number,
    ) => number
    readonly _speex_resampler_process_int: (
      state: number,
      channel: number,
      inputAt: number,
      inputLengthAt: number,
      outputAt: number,
      outputLengthAt: number,
    ) => number
    readonly _speex_resampler_get_input_latency: (state: number) => number
    readonly _speex_resampler_skip_zeros: (state: number) => number
    readonly _speex_resampler_destroy: (state: number) => void
  }
  export default function load(): Promise<SpeexResampler>
}
