/**
 * Keeps the bindings of a relay in the store, and finds there what the relay does not know: docs/recovery.md.
 *
 * One for a process, on its main thread; the threads that forward speak to it in batches of flow records. Flows of
 * its own threads it finds in memory. Nothing waits for it: a store that is slow or down costs a call nothing but
 * what it would have saved after a restart.
 */

import type { BindingStore } from '#shared/platform/binding-store'
import { monotonicNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import { ENDPOINT_WORDS } from '#shared/endpoint'
import { bindingField, writeFieldClient } from '../core/binding-row.ts'
import { BindingTable } from '../core/binding-table.ts'
import {
  FLOW_ABSENT,
  FLOW_BOUND,
  FLOW_FOUND,
  FLOW_UNBOUND,
  FLOW_WANTED,
  FlowRecords,
  RECORD_CLIENT,
  RECORD_ROUTE,
  RECORD_WORDS,
} from '../core/flow-records.ts'
import { BindingReader, liveRoute } from './binding-reader.ts'
import { BINDING_SECONDS, BindingWriter } from './binding-writer.ts'

export interface BindingsOptions {
  readonly store: BindingStore
  /** Bound on flows of this process that are found without the store. */
  readonly maxFlows: number
  /** Two random words, so that nobody can choose addresses that collide. */
  readonly hashKey: readonly [number, number]
  readonly log: Log
}

/** Takes the answers to a thread's questions: a batch of FOUND and ABSENT records. */
export type ReplyRecords = (records: Int32Array) => void

/** The bindings of one process. */
export class Bindings {
  /** Flows found without the store. */
  foundHere = 0
  readonly writer: BindingWriter
  readonly reader: BindingReader
  readonly #table: BindingTable
  readonly #answersByReply = new Map<ReplyRecords, FlowRecords>()
  readonly #sweepTimer: NodeJS.Timeout

  constructor({ store, maxFlows, hashKey, log }: BindingsOptions) {
    this.writer = new BindingWriter(store, log)
    this.reader = new BindingReader(store, log)
    this.#table = new BindingTable(maxFlows, hashKey)
    this.#sweepTimer = setInterval(() => void this.readAll(), SWEEP_INTERVAL)
  }

  /** Takes a batch of a thread's records; `reply` gets the answers to its questions, now and later. */
  handleRecords(records: Int32Array, reply: ReplyRecords): void {
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      const kind = records[at]
      if (kind === FLOW_BOUND) this.#bind(records, at)
      else if (kind === FLOW_UNBOUND) this.#unbind(records, at)
      else if (kind === FLOW_WANTED) this.#find(records, at, reply)
    }
    this.#sendAnswers()
    this.reader.flush(this.#sendAnswers)
  }

  /** Reads every row of the VIP as FOUND records, and has those removed that have expired. Never rejects. */
  async readAll(): Promise<Int32Array> {
    const rows = await this.reader.readAll()
    const found = new FlowRecords(rows.length / 2)
    const client = new Int32Array(ENDPOINT_WORDS)
    for (let i = 0; i < rows.length; i += 2) {
      const field = rows[i] ?? ''
      const route = liveRoute(rows[i + 1] ?? '')
      if (!writeFieldClient(field, client, 0)) this.writer.remove(field)
      else if (route !== undefined) found.push(FLOW_FOUND, client, 0, route)
      else if (this.#table.find(client, 0) === undefined) this.writer.remove(field)
    }
    return found.take()
  }

  /** Sends what waits to be written and removed, and ends. Never rejects. */
  async stop(): Promise<void> {
    clearInterval(this.#sweepTimer)
    this.reader.stop()
    await this.writer.stop()
  }

  #bind(records: Int32Array, at: number): void {
    const route = records[at + RECORD_ROUTE] ?? 0
    this.#table.enter(records, at + RECORD_CLIENT, route, monotonicNow())
    this.writer.write(bindingField(records, at + RECORD_CLIENT), route)
  }

  #unbind(records: Int32Array, at: number): void {
    this.#table.remove(records, at + RECORD_CLIENT)
    this.writer.remove(bindingField(records, at + RECORD_CLIENT))
  }

  #find(records: Int32Array, at: number, reply: ReplyRecords): void {
    const client = records.slice(at + RECORD_CLIENT, at + RECORD_ROUTE)
    const route = this.#table.find(client, 0)
    const field = bindingField(client, 0)
    if (route !== undefined) {
      this.foundHere++
      this.#answer(reply, client, route)
    } else if (this.writer.isRemoved(field)) this.#answer(reply, client, undefined)
    else this.reader.find(field, (stored) => this.#answer(reply, client, stored))
  }

  #answer(reply: ReplyRecords, client: Int32Array, route: number | undefined): void {
    const answers = this.#answersByReply.get(reply) ?? new FlowRecords(MAX_ANSWERS)
    this.#answersByReply.set(reply, answers)
    if (answers.isFull) reply(answers.take())
    answers.push(route === undefined ? FLOW_ABSENT : FLOW_FOUND, client, 0, route ?? 0)
  }

  readonly #sendAnswers = (): void => {
    for (const [reply, answers] of this.#answersByReply) if (!answers.isEmpty) reply(answers.take())
    this.#answersByReply.clear()
  }
}

/** How often every row is read, so that those that nobody removed go when they have expired. */
const SWEEP_INTERVAL = BINDING_SECONDS * 1_000

/** Records of one batch of answers. */
const MAX_ANSWERS = 1_024
