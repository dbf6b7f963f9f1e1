/**
 * Runs a WASI command in memory and returns the file that it wrote.
 *
 * It implements the calls of `wasi_snapshot_preview1` that flite makes, and no more: arguments, one directory, one
 * file in it for writing. There is no file system, no clock and no input behind it, and each run is a fresh instance:
 * what one caller's text does to the program's memory, the next one never sees.
 */

import { wasm } from './wasm.ts'
import type { WasiInstance, WasmImport, WasmModule } from './wasm.ts'

/** Runs `module` with `args`, the program's name first, and returns what it wrote to the file it opened. */
export function runWasiCommand(module: WasmModule, args: readonly string[]): Uint8Array {
  const host = new MemoryHost(args)
  const { exports } = new wasm.Instance(module, { wasi_snapshot_preview1: host.imports() })
  const { memory, _start: start } = exports
  host.memory = memory
  try {
    start()
  } catch (cause) {
    if (!(cause instanceof ProcessExit)) throw cause
  }
  return host.written()
}

/** Thrown through the program's frames by `proc_exit`, which must not return. */
class ProcessExit extends Error {}

class MemoryHost {
  memory: WasiInstance['exports']['memory'] | undefined
  readonly #args: readonly Uint8Array[]
  #file = new Uint8Array(64 * 1024)
  #fileLength = 0
  #fileAt = 0

  constructor(args: readonly string[]) {
    this.#args = args.map((arg) => new TextEncoder().encode(`${arg}\0`))
  }

  written(): Uint8Array {
    return this.#file.slice(0, this.#fileLength)
  }

  imports(): Record<string, WasmImport> {
    return {
      args_sizes_get: (countAt: number, bytesAt: number) => {
        this.#view().setUint32(countAt, this.#args.length, true)
        this.#view().setUint32(
          bytesAt,
          this.#args.reduce((sum, arg) => sum + arg.length, 0),
          true,
        )
        return SUCCESS
      },
      args_get: (pointersAt: number, bytesAt: number) => {
        let at = bytesAt
        this.#args.forEach((arg, i) => {
          this.#view().setUint32(pointersAt + i * 4, at, true)
          this.#bytes(at, arg.length).set(arg)
          at += arg.length
        })
        return SUCCESS
      },
      clock_time_get: (_clock: number, _precision: bigint, timeAt: number) => {
        this.#view().setBigUint64(timeAt, 0n, true)
        return SUCCESS
      },
      fd_prestat_get: (fd: number, at: number) => {
        if (fd !== ROOT_FD) return BAD_DESCRIPTOR
        this.#view().setUint32(at, PREOPEN_DIRECTORY, true)
        this.#view().setUint32(at + 4, ROOT_NAME.length, true)
        return SUCCESS
      },
      fd_prestat_dir_name: (_fd: number, at: number) => {
        this.#bytes(at, ROOT_NAME.length).set(ROOT_NAME)
        return SUCCESS
      },
      fd_fdstat_get: (fd: number, at: number) => {
        const type = fd === ROOT_FD ? DIRECTORY : fd === FILE_FD ? REGULAR_FILE : CHARACTER_DEVICE
        this.#view().setUint16(at, type, true)
        this.#view().setUint16(at + 2, 0, true)
        this.#view().setBigUint64(at + 8, ALL_RIGHTS, true)
        this.#view().setBigUint64(at + 16, ALL_RIGHTS, true)
        return SUCCESS
      },
      fd_fdstat_set_flags: () => SUCCESS,
      path_open: (...args: number[]) => {
        this.#view().setUint32(args[PATH_OPEN_RESULT] ?? 0, FILE_FD, true)
        return SUCCESS
      },
      fd_write: (fd: number, vectorsAt: number, count: number, writtenAt: number) => {
        const view = this.#view()
        let total = 0
        for (let at = vectorsAt; at < vectorsAt + count * 8; at += 8) {
          const bytes = this.#bytes(view.getUint32(at, true), view.getUint32(at + 4, true))
          if (fd === FILE_FD) this.#write(bytes)
          total += bytes.length
        }
        view.setUint32(writtenAt, total, true)
        return SUCCESS
      },
      fd_seek: (fd: number, offset: bigint, whence: number, positionAt: number) => {
        if (fd !== FILE_FD) return NOT_SEEKABLE
        this.#fileAt = Number(offset) + ([0, this.#fileAt, this.#fileLength][whence] ?? 0)
        this.#view().setBigUint64(positionAt, BigInt(this.#fileAt), true)
        return SUCCESS
      },
      fd_read: () => BAD_DESCRIPTOR,
      fd_close: () => SUCCESS,
      proc_exit: (status: number) => {
        throw new ProcessExit(`exit status ${status}`)
      },
    }
  }

  #write(bytes: Uint8Array): void {
    const end = this.#fileAt + bytes.length
    if (end > this.#file.length) {
      const larger = new Uint8Array(Math.max(end, this.#file.length * 2))
      larger.set(this.#file)
      this.#file = larger
    }
    this.#file.set(bytes, this.#fileAt)
    this.#fileAt = end
    this.#fileLength = Math.max(this.#fileLength, end)
  }

  /** Made anew each time: memory that grows leaves its old views empty. */
  #view(): DataView {
    return new DataView(this.#memory())
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory(), at, length)
  }

  #memory(): ArrayBuffer {
    if (this.memory === undefined) throw new TypeError('the program called before it was started')
    return this.memory.buffer
  }
}

/** `errno`, WASI preview 1. */
const SUCCESS = 0
const BAD_DESCRIPTOR = 8
const NOT_SEEKABLE = 70

/** `filetype`, WASI preview 1. */
const CHARACTER_DEVICE = 2
const DIRECTORY = 3
const REGULAR_FILE = 4

/** `preopentype`, WASI preview 1. */
const PREOPEN_DIRECTORY = 0

const ALL_RIGHTS = 0xffff_ffff_ffff_ffffn

/** After standard input, output and error. */
const ROOT_FD = 3
const FILE_FD = 4
const ROOT_NAME = new TextEncoder().encode('/')

/** `path_open` has nine parameters; the last is where the descriptor goes. */
const PATH_OPEN_RESULT = 8
