/**
 * Reads the schema of one resource out of its CDK for Terraform binding.
 *
 * Such a binding is generated from the provider's schema and carries its TypeScript source in its source map; what is
 * read here are the generator's own marks: `// name - computed: …, optional: …, required: …`, the getters, and
 * `isBlock`. Descriptions, validators and which attributes are sensitive are not in it.
 */

import { readFileSync } from 'node:fs'
import type { Attribute, AttributeType, Block, NestedBlock, Nesting } from './provider-schema.ts'

/** What one folder of a binding describes. */
export interface Binding {
  readonly kind: 'Resource' | 'DataSource' | 'Provider'
  /** Such as `google_compute_firewall`. */
  readonly type: string
  readonly providerVersion: string
  readonly block: Block
}

/** Reads the binding in `folder`; `nests` says what the provider's nested objects are. */
export function readBinding(folder: string, nests: 'blocks' | 'attributes'): Binding {
  const source = sourceOf(`${folder}/index.js`)
  const [, main, kind] =
    /^export class (\w+) extends cdktf\.Terraform(Resource|DataSource|Provider)/m.exec(source) ?? []
  const type = /tfResourceType = "(\w+)"/.exec(source)?.[1]
  const providerVersion = /providerVersion: '([^']+)'/.exec(source)?.[1]
  if (main === undefined || type === undefined || providerVersion === undefined) {
    throw new Error(`${folder} holds no binding of a known form`)
  }
  const reader = new BindingReader(source, nests)
  return { kind: kind as Binding['kind'], type, providerVersion, block: reader.blockOf(main) }
}

/** The TypeScript that the compiler has put into the source map. */
function sourceOf(path: string): string {
  const script = readFileSync(path, 'utf8')
  const map = script.slice(script.lastIndexOf('base64,') + 'base64,'.length).trim()
  const { sourcesContent } = JSON.parse(Buffer.from(map, 'base64').toString()) as { sourcesContent: string[] }
  return sourcesContent[0] ?? ''
}

class BindingReader {
  readonly #declarations: ReadonlyMap<string, string>
  readonly #nests: 'blocks' | 'attributes'

  constructor(source: string, nests: 'blocks' | 'attributes') {
    const starts = [...source.matchAll(/^export (?:class|interface|function) (\w+)/gm)]
    this.#declarations = new Map(
      starts.map((start, i) => [start[1] ?? '', source.slice(start.index, starts[i + 1]?.index)]),
    )
    this.#nests = nests
  }

  blockOf(name: string): Block {
    const attributes: Record<string, Attribute> = {}
    const blocks: Record<string, NestedBlock> = {}
    for (const member of this.#membersOf(name)) {
      if (this.#isBlock(name, member)) blocks[member.name] = this.#nestedBlock(name, member)
      else attributes[member.name] = this.#attribute(member)
    }
    return { attributes, blocks }
  }

  #membersOf(name: string): Member[] {
    const text = this.#declarations.get(name) ?? ''
    const marks = [...text.matchAll(MEMBER_MARK)]
    return marks.map((mark, i) => ({
      name: mark[1] ?? '',
      computed: mark[2] === 'true',
      optional: mark[3] === 'true',
      required: mark[4] === 'true',
      body: text.slice(mark.index, marks[i + 1]?.index),
    }))
  }

  #isBlock(owner: string, member: Member): boolean {
    if (this.#nests === 'attributes' || nestedClass(member) === undefined) return false
    return this.#hclOf(owner, member.name)?.isBlock === true
  }

  #nestedBlock(owner: string, member: Member): NestedBlock {
    const nested = nestedClass(member)
    const isSingle = this.#hclOf(owner, member.name)?.type === 'struct'
    const isOne = nested?.nesting === 'single'
    return {
      nesting: isSingle ? 'single' : isOne ? 'list' : (nested?.nesting ?? 'list'),
      ...(member.required && !isSingle ? { minItems: 1 } : {}),
      ...(isOne && !isSingle ? { maxItems: 1 } : {}),
      block: this.blockOf(nested?.name ?? ''),
    }
  }

  #attribute(member: Member): Attribute {
    const flags = {
      ...(member.required ? { required: true } : {}),
      ...(member.optional ? { optional: true } : {}),
      // A required attribute is never computed; bindings of nested attributes say so all the same.
      ...(member.computed && !member.required ? { computed: true } : {}),
    }
    const nested = nestedClass(member)
    if (nested === undefined) return { type: plainType(member), ...flags }
    if (this.#nests === 'blocks') return { type: this.#objectType(nested), ...flags }
    return {
      nested: { nesting: nested.nesting, attributes: this.blockOf(nested.name).attributes },
      ...flags,
    }
  }

  /** The type of what a provider computes: a list of objects where it has no blocks. */
  #objectType({ name, nesting }: NestedClass): AttributeType {
    const fields = this.#membersOf(name).map((member) => {
      const nested = nestedClass(member)
      return [member.name, nested === undefined ? plainType(member) : this.#objectType(nested)] as const
    })
    return [nesting === 'single' ? 'list' : nesting, ['object', Object.fromEntries(fields)]]
  }

  /** What the function that writes HCL says of an attribute. */
  #hclOf(owner: string, name: string): { isBlock: boolean; type: string } | undefined {
    const writer = owner.endsWith(REFERENCE)
      ? lowerFirst(owner.slice(0, -REFERENCE.length)) + 'ToHclTerraform'
      : owner
    const text = this.#declarations.get(writer) ?? ''
    const found = new RegExp(
      `^ +${name}: \\{\\n[^\\n]*\\n +isBlock: (true|false),\\n +type: "(\\w+)"`,
      'm',
    ).exec(text)
    return found === null ? undefined : { isBlock: found[1] === 'true', type: found[2] ?? '' }
  }
}

interface Member {
  readonly name: string
  readonly computed: boolean
  readonly optional: boolean
  readonly required: boolean
  readonly body: string
}

interface NestedClass {
  readonly name: string
  readonly nesting: Nesting
}

function nestedClass({ body }: Member): NestedClass | undefined {
  const found = /new (\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)/.exec(body)
  if (found === null) return undefined
  const nesting =
    found[2] === 'List' ? (found[3] === 'true' ? 'set' : 'list') : found[2] === 'Map' ? 'map' : 'single'
  return { name: found[1] + REFERENCE, nesting }
}

function plainType({ body }: Member): AttributeType {
  const [, kind, collection] = /get(String|Number|Boolean|Any)?(List|Map)?Attribute\(/.exec(body) ?? []
  const element = kind === 'Number' ? 'number' : kind === 'Boolean' ? 'bool' : 'string'
  if (/new cdktf\.(\w*)Map\(/.test(body)) return ['map', /BooleanMap/.test(body) ? 'bool' : 'string']
  if (kind === 'Any') return 'dynamic'
  if (collection === 'Map') return ['map', element]
  if (collection === 'List') return [/Fn\.tolist\(/.test(body) ? 'set' : 'list', element]
  return kind === undefined ? 'dynamic' : element
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

const MEMBER_MARK = /\/\/ (\w+) - computed: (true|false), optional: (true|false), required: (true|false)/g
const REFERENCE = 'OutputReference'
