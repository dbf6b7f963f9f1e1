/**
 * Terraform providers that know their schemas and nothing else: enough for `validate`, and for `terraform test` with
 * `mock_provider`.
 *
 *     node stub-providers.ts <folder for sockets> <schema.json>…
 *
 * Each serves plugin protocol 6 over gRPC on a socket of its own. The one line on standard output is the value of
 * TF_REATTACH_PROVIDERS, by which Terraform uses plugins that run already
 * (https://developer.hashicorp.com/terraform/plugin/debugging), so that no command has to start any. Left out:
 * everything that would plan, apply or read, and every validator of values.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server, ServerCredentials, loadPackageDefinition } from '@grpc/grpc-js'
import type { ServiceDefinition, UntypedServiceImplementation, sendUnaryData } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { Attribute, Block, NestedBlock, Nesting, ProviderSchemas } from './provider-schema.ts'

/** `NestingMode` of the protocol, for blocks and for nested attributes alike. */
const NESTING: Readonly<Record<Nesting, number>> = { single: 1, list: 2, set: 3, map: 4 }
const SERVICE = loadService()

const [folder = '', ...paths] = process.argv.slice(2)
const stubs = await Promise.all(paths.map((path, index) => serve(path, join(folder, `provider-${index}`))))
process.stdout.write(`${JSON.stringify(Object.fromEntries(stubs))}\n`)

async function serve(path: string, socket: string): Promise<[string, object]> {
  const { source, provider, resources, dataSources } = JSON.parse(
    readFileSync(path, 'utf8'),
  ) as ProviderSchemas
  const server = new Server({ 'grpc.max_send_message_length': -1 })
  server.addService(SERVICE, {
    GetProviderSchema: answer({
      provider: encodeSchema(provider),
      resource_schemas: encodeSchemas(resources),
      data_source_schemas: encodeSchemas(dataSources),
    }),
    ValidateProviderConfig: answer({}),
    ValidateResourceConfig: answer({}),
    ValidateDataResourceConfig: answer({}),
    StopProvider: answer({}),
  } satisfies UntypedServiceImplementation)
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
  const address = { Network: 'unix', String: socket }
  const plugin = { Protocol: 'grpc', ProtocolVersion: 6, Pid: process.pid, Test: true, Addr: address }
  return [`registry.terraform.io/${source}`, plugin]
}

function loadService(): ServiceDefinition {
  const path = fileURLToPath(new URL('tfplugin6.proto', import.meta.url))
  const { tfplugin6 } = loadPackageDefinition(loadSync(path, { keepCase: true }))
  return (tfplugin6 as unknown as { Provider: { service: ServiceDefinition } }).Provider.service
}

function answer(message: object) {
  return (_call: unknown, reply: sendUnaryData<object>) => reply(null, message)
}

function encodeSchemas(blocks: Readonly<Record<string, Block>>) {
  return Object.fromEntries(Object.entries(blocks).map(([name, block]) => [name, encodeSchema(block)]))
}

function encodeSchema(block: Block) {
  return { version: 0, block: encodeBlock(block) }
}

function encodeBlock({ attributes, blocks }: Block): object {
  return {
    attributes: encodeAttributes(attributes),
    block_types: Object.entries(blocks).map(([name, block]) => encodeNestedBlock(name, block)),
  }
}

function encodeAttributes(attributes: Readonly<Record<string, Attribute>>): object[] {
  return Object.entries(attributes).map(([name, { type, nested, ...flags }]) => ({
    name,
    ...flags,
    ...(nested === undefined
      ? { type: Buffer.from(JSON.stringify(type)) }
      : {
          nested_type: { nesting: NESTING[nested.nesting], attributes: encodeAttributes(nested.attributes) },
        }),
  }))
}

function encodeNestedBlock(name: string, { nesting, minItems, maxItems, block }: NestedBlock): object {
  return {
    type_name: name,
    nesting: NESTING[nesting],
    min_items: minItems ?? 0,
    max_items: maxItems ?? 0,
    block: encodeBlock(block),
  }
}
