/** The part of the WebAssembly API that this folder uses, typed here because only the DOM library has its types. */

/** A compiled module. */
export interface WasmModule {
  readonly wasmModule: never
}

/** An instance of a WASI command. */
export interface WasiInstance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly _start: () => void }
}

/** A function that a module imports; WebAssembly passes `i64` as a bigint. */
export type WasmImport = (...args: never[]) => number

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>,
  ) => WasiInstance
}

/** The global `WebAssembly`. */
export const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly
