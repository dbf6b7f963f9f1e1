/**
 * What stands behind the local store's HTTP front: something that executes Redis commands.
 *
 * Two engines exist: `MemoryEngine`, with which a fresh clone runs, and a real redis-server in the tests. One
 * conformance suite holds both to the same behaviour.
 */

/** A command's name and its arguments. */
export type Command = readonly [name: string, ...args: string[]]

export interface CommandError {
  /** As Redis writes it, its kind first: `ERR …`, `WRONGTYPE …`. */
  readonly error: string
}

/** A reply in RESP2's types, with the two kinds of string as one. */
export type Reply = string | number | null | CommandError | readonly Reply[]

export interface Engine {
  /** Executes commands in order, each whether or not the others fail. */
  execute(commands: readonly Command[]): Promise<Reply[]>
  /** Executes commands as one transaction; an error means that none was executed. */
  transact(commands: readonly Command[]): Promise<Reply[] | CommandError>
}

/** Returns whether `reply` is an error. */
export function isCommandError(reply: Reply | readonly Reply[]): reply is CommandError {
  return typeof reply === 'object' && reply !== null && 'error' in reply
}
