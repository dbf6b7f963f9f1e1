/**
 * Functions of C in the Node binary and the libraries it is linked with, reached through koffi.
 *
 * A function is bound by its C declaration, from which its TypeScript type is read. An address is a plain
 * number: user space ends far below 2^53, so it is exact, it can be added to, and it costs less than a BigInt.
 */

import koffi from 'koffi'

const program = koffi.load(null)

/** An address in native memory; 0 is NULL. */
export type Address = number

/** A function that neither this program nor the library has. */
export class NativeError extends Error {
  override readonly name = 'NativeError'
  readonly code = 'symbol-missing'
}

/** Binds the C function of `declaration`; throws a `NativeError` if there is none. */
export function bindNative<Declaration extends string>(declaration: Declaration): CFunction<Declaration> {
  return bindIn(program, declaration)
}

/** A shared library of the system. */
export interface NativeLibrary {
  /** Binds the library's C function of `declaration`; throws a `NativeError` if there is none. */
  bind<Declaration extends string>(declaration: Declaration): CFunction<Declaration>
}

/** Loads the library that the system's loader finds as `fileName`; undefined: there is none. */
export function loadNativeLibrary(fileName: string): NativeLibrary | undefined {
  try {
    const library = koffi.load(fileName)
    return { bind: (declaration) => bindIn(library, declaration) }
  } catch {
    return undefined
  }
}

function bindIn<Declaration extends string>(
  library: typeof program,
  declaration: Declaration,
): CFunction<Declaration> {
  try {
    return library.func(declaration)
  } catch (cause) {
    throw new NativeError(`there is no \`${declaration}\``, { cause })
  }
}

/** The address of `memory`, which V8 never moves; the caller keeps it referenced while the address is in use. */
export function addressOf(memory: ArrayBuffer): Address {
  return Number(koffi.address(memory))
}

/** The type of the function that a C declaration declares; `void *` parameters take memory that lives during the call, and `...` takes type names before values. */
export type CFunction<Declaration> = (...values: CArguments<Declaration>) => CResult<Declaration>
type CResult<Declaration> = Declaration extends `void ${string}`
  ? void
  : Declaration extends `const char *${string}`
    ? string | null
    : number
type CArguments<Declaration> = Declaration extends `${string}(${infer List})` ? CList<List> : never
type CList<List> = List extends ''
  ? []
  : List extends '...'
    ? (string | number)[]
    : List extends `${infer First}, ${infer Rest}`
      ? [CArgument<First>, ...CList<Rest>]
      : [CArgument<List>]
type CArgument<Parameter> = Parameter extends `const char *${string}`
  ? string | null
  : Parameter extends `const void *${string}` | `void *${string}`
    ? ArrayBufferView
    : Parameter extends `const uint8_t *${string}`
      ? Uint8Array
      : Parameter extends `uint64_t ${string}`
        ? number | bigint
        : number
