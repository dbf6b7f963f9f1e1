/**
 * Rates, by the Workers rate-limit bindings of wrangler.toml: docs/api.md.
 *
 * Cloudflare counts per location and approximately, which costs no request; a Worker without the bindings has no
 * limits.
 */

import type { Context } from 'hono'
import { formatAddress, isMappedAddress, parseAddress } from '#shared/endpoint'
import type { ApiKey } from '#shared/keys/api-key'
import type { EdgeContext } from '../edge.ts'
import { refusal } from '../errors.ts'

/** A rate-limit binding. */
export interface RateLimit {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>
}

/** Counts a request against the rate of `apiKey`. */
export async function limitKey(context: Context<EdgeContext>, { id }: ApiKey): Promise<void> {
  const verdict = await context.var.edge.env.keyRate?.limit({ key: id })
  if (verdict?.success === false) throw refusal('rate-limit-exceeded', 'This key sends too many requests.')
}

/** Counts a request against the rate of the client it comes from. */
export async function limitClient(context: Context<EdgeContext>): Promise<void> {
  const { clientRate } = context.var.edge.env
  const verdict = await clientRate?.limit({ key: networkOf(context.req.header('cf-connecting-ip') ?? '') })
  if (verdict?.success === false) throw refusal('rate-limit-exceeded', 'You send too many requests.')
}

/** A client has one IPv4 address, or a whole IPv6 network: RFC 6177 gives every site at least a /64. */
export function networkOf(address: string): string {
  const bytes = parseAddress(address)
  if (bytes === undefined || isMappedAddress(bytes)) return address
  return formatAddress(bytes.fill(0, NETWORK_BYTES))
}

const NETWORK_BYTES = 8
