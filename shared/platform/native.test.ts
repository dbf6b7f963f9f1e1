import { expect, test } from 'vitest'
import { addressOf, bindNative, loadNativeLibrary, NativeError } from './native.ts'

test('says which function is missing', () => {
  const bind = () => bindNative('int no_such_function(uintptr_t value)')
  expect(bind).toThrow(NativeError)
  expect(bind).toThrow(/no_such_function/)
  expect(bind).toThrow(expect.objectContaining({ code: 'symbol-missing' }))
})

test('calls a function on memory by its address', () => {
  const memory = new Uint8Array(new ArrayBuffer(16)).fill(7)
  const memset = bindNative('uintptr_t memset(uintptr_t memory, int byte, size_t length)')
  memset(addressOf(memory.buffer) + 4, 1, 8)
  expect([...memory]).toEqual([7, 7, 7, 7, 1, 1, 1, 1, 1, 1, 1, 1, 7, 7, 7, 7])
})

test('says that there is no such library', () => {
  expect(loadNativeLibrary('libno-such-library.so.0')).toBeUndefined()
})
