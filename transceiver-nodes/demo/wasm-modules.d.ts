/** The Emscripten module that ships without types: only what this folder calls. */

declare module '@echogarden/fvad-wasm' {
  interface Fvad {
    readonly HEAP16: Int16Array
    readonly _malloc: (bytes: number) => number
    readonly _fvad_new: () => number
    readonly _fvad_free: (detector: number) => void
    readonly _fvad_set_mode: (detector: number, mode: number) => number
    readonly _fvad_set_sample_rate: (detector: number, rateHz: number) => number
    readonly _fvad_process: (detector: number, frameAt: number, samples: number) => number
  }
  export default function load(): Promise<Fvad>
}
