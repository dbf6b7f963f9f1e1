/**
 * Reads keys that live side by side, as they stand in an environment variable: `0:<hex>,1:<hex>`.
 *
 * The first key of the list makes new tokens, every key of it opens them: so a key is rotated in by appending it
 * everywhere first, and only then moving it to the front (docs/routing-ufrag.md).
 */

import { fromHex } from '#shared/bytes'

/** A key and the id by which tokens name it. */
export interface ListedKey {
  readonly id: number
  readonly key: Uint8Array
}

export type KeyListFault = 'keys-malformed' | 'keys-wrong-length' | 'keys-id-too-large' | 'keys-id-twice'

/** Reads `text`, whose keys must have `keyBytes` bytes and ids up to `maxId`; the result is never empty. */
export function parseKeyList(text: string, keyBytes: number, maxId: number): ListedKeys | KeyListFault {
  const keys: ListedKey[] = []
  for (const entry of text.split(',')) {
    const key = parseKey(entry, keyBytes)
    if (typeof key === 'string') return key
    if (key.id > maxId) return 'keys-id-too-large'
    if (keys.some(({ id }) => id === key.id)) return 'keys-id-twice'
    keys.push(key)
  }
  return keys as unknown as ListedKeys
}

export type ListedKeys = readonly [minting: ListedKey, ...others: ListedKey[]]

function parseKey(entry: string, keyBytes: number): ListedKey | KeyListFault {
  const [, id, hex = ''] = KEY.exec(entry.trim()) ?? []
  const key = fromHex(hex)
  if (id === undefined || key === undefined) return 'keys-malformed'
  return key.length === keyBytes ? { id: Number(id), key } : 'keys-wrong-length'
}

const KEY = /^(\d{1,5}):([\da-f]+)$/i
