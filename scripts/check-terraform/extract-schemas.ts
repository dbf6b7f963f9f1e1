/**
 * Takes the schemas that `npm run check:terraform` needs out of npm's CDK bindings, for terraform/schemas.
 *
 * The bindings are large and needed only here, so they are no dependency:
 *
 *     mkdir bindings && cd bindings
 *     npm install --prefix . --ignore-scripts @cdktf/provider-google@16.12.1 @cdktf/provider-cloudflare@13.9.1 @cdktf/provider-random@12.0.1
 *     node …/scripts/check-terraform/extract-schemas.ts node_modules
 *
 * Upstash publishes none: terraform/schemas/upstash.json is written by hand from its documentation.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readBinding } from './binding.ts'
import type { Attribute, Block, ProviderSchemas } from './provider-schema.ts'

interface Extraction {
  readonly source: string
  readonly package: string
  readonly nests: 'blocks' | 'attributes'
  readonly folders: readonly string[]
  /** Bindings do not tell which attributes are secret: the provider's documentation does. */
  readonly sensitive: Readonly<Record<string, readonly string[]>>
}

const EXTRACTIONS: readonly Extraction[] = [
  {
    source: 'hashicorp/google',
    package: '@cdktf/provider-google',
    nests: 'blocks',
    folders: [
      'provider',
      'compute-address',
      'compute-firewall',
      'compute-forwarding-rule',
      'compute-health-check',
      'compute-instance-group-manager',
      'compute-instance-template',
      'compute-network',
      'compute-region-autoscaler',
      'compute-region-backend-service',
      'compute-region-health-check',
      'compute-region-instance-group-manager',
      'compute-router',
      'compute-router-nat',
      'compute-subnetwork',
      'secret-manager-secret',
      'secret-manager-secret-iam-member',
      'secret-manager-secret-version',
      'service-account',
      'project-iam-member',
      'storage-bucket-iam-member',
    ],
    sensitive: { google_secret_manager_secret_version: ['secret_data'] },
  },
  {
    source: 'cloudflare/cloudflare',
    package: '@cdktf/provider-cloudflare',
    nests: 'attributes',
    folders: [
      'provider',
      'dns-record',
      'ruleset',
      'workers-custom-domain',
      'workers-script-subdomain',
      'zero-trust-tunnel-cloudflared',
      'zero-trust-tunnel-cloudflared-config',
      'data-cloudflare-zero-trust-tunnel-cloudflared-token',
    ],
    sensitive: {
      cloudflare_zero_trust_tunnel_cloudflared: ['tunnel_secret'],
      cloudflare_zero_trust_tunnel_cloudflared_token: ['token'],
    },
  },
  {
    source: 'hashicorp/random',
    package: '@cdktf/provider-random',
    nests: 'blocks',
    folders: ['provider', 'bytes'],
    sensitive: { random_bytes: ['base64', 'hex'] },
  },
]

const modules = process.argv[2]
if (modules === undefined) throw new Error('which node_modules holds the bindings?')
for (const extraction of EXTRACTIONS) {
  const schemas = extract(extraction, `${modules}/${extraction.package}`)
  const name = extraction.source.split('/')[1] ?? ''
  const path = fileURLToPath(new URL(`../../terraform/schemas/${name}.json`, import.meta.url))
  writeFileSync(path, `${JSON.stringify(schemas, undefined, 1)}\n`)
  console.log(`${path}: ${schemas.version}, ${Object.keys(schemas.resources).length} resources`)
}

function extract(
  { source, package: name, nests, folders, sensitive }: Extraction,
  root: string,
): ProviderSchemas {
  const bindings = folders.map((folder) => readBinding(`${root}/lib/${folder}`, nests))
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
  const blocksOf = (kind: string) =>
    Object.fromEntries(
      bindings
        .filter((binding) => binding.kind === kind)
        .map(({ type, block }) => [type, withSecrets(block, sensitive[type] ?? [])]),
    )
  return {
    source,
    version: bindings[0]?.providerVersion ?? '',
    takenFrom: `${name}@${version} (npm, MPL-2.0), by scripts/check-terraform/extract-schemas.ts`,
    provider: optionalOnly(Object.values(blocksOf('Provider'))[0] ?? { attributes: {}, blocks: {} }),
    resources: blocksOf('Resource'),
    dataSources: blocksOf('DataSource'),
  }
}

function withSecrets(block: Block, paths: readonly string[]): Block {
  return { ...block, attributes: attributesWithSecrets(block.attributes, paths) }
}

function attributesWithSecrets(
  attributes: Readonly<Record<string, Attribute>>,
  paths: readonly string[],
): Record<string, Attribute> {
  const entries = Object.entries(attributes).map(([name, attribute]): [string, Attribute] => {
    if (paths.includes(name)) return [name, { ...attribute, sensitive: true }]
    const inner = paths
      .filter((path) => path.startsWith(`${name}.`))
      .map((path) => path.slice(name.length + 1))
    if (inner.length === 0 || attribute.nested === undefined) return [name, attribute]
    const nested = {
      ...attribute.nested,
      attributes: attributesWithSecrets(attribute.nested.attributes, inner),
    }
    return [name, { ...attribute, nested }]
  })
  return Object.fromEntries(entries)
}

/** A provider computes nothing in its own configuration, and each of these takes all of it from the environment. */
function optionalOnly({ attributes, blocks }: Block): Block {
  const entries = Object.entries(attributes).map(
    ([name, { type, nested, required }]): [string, Attribute] => [
      name,
      {
        ...(type === undefined ? {} : { type }),
        ...(nested === undefined ? {} : { nested }),
        ...(required === true ? { required } : { optional: true }),
      },
    ],
  )
  return { attributes: Object.fromEntries(entries), blocks }
}
