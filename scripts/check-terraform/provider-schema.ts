/** Schemas of Terraform providers as this repository keeps them: the JSON of `terraform providers schema`, less what no check needs. */

/** The schemas of one provider that its stub serves. */
export interface ProviderSchemas {
  /** As `required_providers` names it. */
  readonly source: string
  /** The provider's version that the schemas describe. */
  readonly version: string
  /** Where they were taken from. */
  readonly takenFrom: string
  readonly provider: Block
  readonly resources: Readonly<Record<string, Block>>
  readonly dataSources: Readonly<Record<string, Block>>
}

/** A block's content: a resource's, or that of a block within it. */
export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly blocks: Readonly<Record<string, NestedBlock>>
}

/** An attribute has a type of its own, or nested attributes. */
export interface Attribute {
  readonly type?: AttributeType
  readonly nested?: NestedAttributes
  readonly required?: boolean
  readonly optional?: boolean
  readonly computed?: boolean
  readonly sensitive?: boolean
}

/** A type in Terraform's own JSON notation, such as `["list","string"]`. */
export type AttributeType =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', AttributeType]
  | readonly ['object', Readonly<Record<string, AttributeType>>]

/** How often a nested block, or an object of nested attributes, may stand. */
export type Nesting = 'single' | 'list' | 'set' | 'map'

export interface NestedAttributes {
  readonly nesting: Nesting
  readonly attributes: Readonly<Record<string, Attribute>>
}

export interface NestedBlock {
  readonly nesting: Nesting
  readonly minItems?: number
  readonly maxItems?: number
  readonly block: Block
}
