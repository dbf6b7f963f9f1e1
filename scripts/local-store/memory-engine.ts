/**
 * The embedded engine of the local store: the Redis commands that Firsthop uses, and their obvious neighbours.
 *
 * Replies and error texts are those of Redis 7. There is no EVAL, nothing is saved, and only the options named
 * here exist.
 */

import type { Millis } from '#shared/time'
import type { Command, CommandError, Engine, Reply } from './engine.ts'
import { Keyspace } from './keyspace.ts'

export class MemoryEngine implements Engine {
  readonly #keyspace: Keyspace

  constructor(now: () => Millis) {
    this.#keyspace = new Keyspace(now)
  }

  execute(commands: readonly Command[]): Promise<Reply[]> {
    return Promise.resolve(commands.map((command) => this.#run(command)))
  }

  /** Redis queues first, and refuses the whole queue for one command that it cannot queue. */
  transact(commands: readonly Command[]): Promise<Reply[] | CommandError> {
    const canQueue = commands.every((command) => typeof findHandler(command) === 'function')
    return canQueue ? this.execute(commands) : Promise.resolve(EXEC_ABORTED)
  }

  #run(command: Command): Reply {
    const handler = findHandler(command)
    if (typeof handler !== 'function') return handler
    try {
      return handler(this.#keyspace, command.slice(1))
    } catch (error) {
      if (error instanceof CommandFailure) return { error: error.message }
      throw error
    }
  }
}

type Handler = (keyspace: Keyspace, args: readonly string[]) => Reply

/** Unwinds a handler; its message is the reply. */
class CommandFailure extends Error {}

function findHandler([name, ...args]: Command): Handler | CommandError {
  const entry = COMMANDS.get(name.toLowerCase())
  if (!entry) return { error: `ERR unknown command '${name}'` }
  const [least, most, handler] = entry
  return args.length < least || args.length > most ? { error: wrongArity(name.toLowerCase()) } : handler
}

function setString(keyspace: Keyspace, [key = '', value = '', ...options]: readonly string[]): Reply {
  const { lifetime, condition } = parseSetOptions(options)
  const exists = keyspace.read(key) !== undefined
  if ((condition === 'NX' && exists) || (condition === 'XX' && !exists)) return null
  keyspace.write(key, value, lifetime)
  return 'OK'
}

function parseSetOptions(options: readonly string[]): { lifetime?: number; condition?: 'NX' | 'XX' } {
  const parsed: ReturnType<typeof parseSetOptions> = {}
  for (let at = 0; at < options.length; at++) {
    const option = options[at]?.toUpperCase()
    if ((option === 'NX' || option === 'XX') && !parsed.condition) parsed.condition = option
    else if ((option === 'EX' || option === 'PX') && parsed.lifetime === undefined) {
      const lifetime = parseInteger(options[++at]) * (option === 'EX' ? 1_000 : 1)
      if (lifetime <= 0) throw new CommandFailure("ERR invalid expire time in 'set' command")
      parsed.lifetime = lifetime
    } else throw new CommandFailure('ERR syntax error')
  }
  return parsed
}

function setMany(keyspace: Keyspace, args: readonly string[]): Reply {
  for (const [key, value] of pairsOf(args, 'mset')) keyspace.write(key, value)
  return 'OK'
}

function getMany(keyspace: Keyspace, keys: readonly string[]): Reply {
  return keys.map((key) => {
    const value = keyspace.read(key)
    return typeof value === 'string' ? value : null
  })
}

function expireIn(unit: number): Handler {
  return (keyspace, [key = '', amount]) => Number(keyspace.expire(key, parseInteger(amount) * unit))
}

function timeToLive(unit: number): Handler {
  return (keyspace, [key = '']) => {
    const lifetime = keyspace.lifetime(key)
    if (lifetime === undefined) return -2
    return lifetime === Infinity ? -1 : Math.round(lifetime / unit)
  }
}

function setFields(keyspace: Keyspace, [key = '', ...args]: readonly string[]): Reply {
  const hash = readHash(keyspace, key)
  const pairs = pairsOf(args, 'hset')
  const written = hash ?? new Map<string, string>()
  const sizeBefore = written.size
  for (const [field, value] of pairs) written.set(field, value)
  if (!hash) keyspace.write(key, written)
  return written.size - sizeBefore
}

function deleteFields(keyspace: Keyspace, [key = '', ...fields]: readonly string[]): Reply {
  const hash = readHash(keyspace, key)
  const deleted = fields.filter((field) => hash?.delete(field)).length
  if (hash?.size === 0) keyspace.remove(key)
  return deleted
}

function readString(keyspace: Keyspace, key: string): string | undefined {
  const value = keyspace.read(key)
  if (value instanceof Map) throw new CommandFailure(WRONG_TYPE)
  return value
}

function readHash(keyspace: Keyspace, key: string): Map<string, string> | undefined {
  const value = keyspace.read(key)
  if (typeof value === 'string') throw new CommandFailure(WRONG_TYPE)
  return value
}

function hashCommand(read: (hash: ReadonlyMap<string, string>, fields: readonly string[]) => Reply): Handler {
  return (keyspace, [key = '', ...fields]) => read(readHash(keyspace, key) ?? new Map(), fields)
}

function countKeys(test: (keyspace: Keyspace, key: string) => boolean): Handler {
  return (keyspace, keys) => keys.filter((key) => test(keyspace, key)).length
}

function pairsOf(args: readonly string[], name: string): [string, string][] {
  if (args.length % 2 !== 0) throw new CommandFailure(wrongArity(name))
  return Array.from({ length: args.length / 2 }, (_, pair) => [
    args[2 * pair] ?? '',
    args[2 * pair + 1] ?? '',
  ])
}

function parseInteger(text: string | undefined): number {
  if (text === undefined) throw new CommandFailure('ERR syntax error')
  if (!/^-?\d{1,15}$/.test(text)) throw new CommandFailure('ERR value is not an integer or out of range')
  return Number(text)
}

function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`
}

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'

const EXEC_ABORTED: CommandError = { error: 'EXECABORT Transaction discarded because of previous errors.' }

/** Each command with the least and the most arguments that it takes. */
const COMMANDS = new Map<string, readonly [least: number, most: number, handler: Handler]>([
  ['ping', [0, 1, (_keyspace, [message = 'PONG']) => message]],
  ['get', [1, 1, (keyspace, [key = '']) => readString(keyspace, key) ?? null]],
  ['set', [2, Infinity, setString]],
  ['mget', [1, Infinity, getMany]],
  ['mset', [2, Infinity, setMany]],
  ['del', [1, Infinity, countKeys((keyspace, key) => keyspace.remove(key))]],
  ['exists', [1, Infinity, countKeys((keyspace, key) => keyspace.read(key) !== undefined)]],
  ['expire', [2, 2, expireIn(1_000)]],
  ['pexpire', [2, 2, expireIn(1)]],
  ['ttl', [1, 1, timeToLive(1_000)]],
  ['pttl', [1, 1, timeToLive(1)]],
  ['hset', [3, Infinity, setFields]],
  ['hdel', [2, Infinity, deleteFields]],
  ['hget', [2, 2, hashCommand((hash, [field = '']) => hash.get(field) ?? null)]],
  ['hmget', [2, Infinity, hashCommand((hash, fields) => fields.map((field) => hash.get(field) ?? null))]],
  ['hgetall', [1, 1, hashCommand((hash) => [...hash].flat())]],
  ['hvals', [1, 1, hashCommand((hash) => [...hash.values()])]],
  ['hlen', [1, 1, hashCommand((hash) => hash.size)]],
  ['dbsize', [0, 0, (keyspace) => keyspace.size]],
  ['flushall', [0, 0, (keyspace) => (keyspace.clear(), 'OK')]],
])
