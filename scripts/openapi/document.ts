/**
 * The API as an OpenAPI 3.1 document, built from the schemas that the Worker checks requests with. docs/api.md is
 * the page for people, this the one for programs.
 *
 * Only here is a schema turned into JSON Schema: the Worker serves the file and has no library for it.
 */

import { toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { callDescriptionSchema } from '#shared/control/call-description'
import { errorBodySchema } from '#shared/control/messages'
import { STATUS_BY_FAULT } from '../../workers/errors.ts'
import { clientSecretRequestSchema } from '../../workers/routes/client-secrets.ts'
import { sessionOutlineSchema } from '../../workers/session.ts'

/** A JSON value with fields. */
type Json = Readonly<Record<string, unknown>>

/** Returns the document. */
export function buildDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Firsthop',
      version: '0.1.0',
      description:
        "OpenAI's Realtime API over WebRTC (GA), and the call as a resource. docs/api.md says more.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { ephemeralKey: [] }],
    paths: PATHS,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key (sk-…), for servers.' },
        ephemeralKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An ephemeral key (ek_…), for browsers.',
        },
      },
      schemas: {
        ClientSecretRequest: schemaOf(CLIENT_SECRET_REQUEST),
        ClientSecret: CLIENT_SECRET,
        Call: CALL,
        Error: schemaOf(errorBodySchema),
        ErrorCode: { type: 'string', enum: Object.keys(STATUS_BY_FAULT).map(toSnakeCase).toSorted() },
      },
    },
  }
}

/** A check that JSON Schema cannot express is left out: it is one of the Worker's own. */
function schemaOf(schema: v.GenericSchema): Json {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'input' })
  return rest
}

/** What a request may hold, without the check that a session is no array, which hides the rest from JSON Schema. */
const CLIENT_SECRET_REQUEST = v.object({
  ...clientSecretRequestSchema.entries,
  session: v.optional(sessionOutlineSchema),
})

function toSnakeCase(fault: string): string {
  return fault.replaceAll('-', '_')
}

interface Operation {
  readonly summary: string
  readonly onlyApiKey?: true
  readonly parameters?: readonly Json[]
  readonly body?: { readonly isRequired: boolean; readonly content: Json }
  readonly answers: Readonly<Record<string, Json>>
  readonly refusals: readonly number[]
}

function operation({ summary, onlyApiKey, parameters, body, answers, refusals }: Operation): Json {
  const errors = [...new Set([...refusals, ...COMMON_REFUSALS])].toSorted((a, b) => a - b)
  return {
    summary,
    ...(onlyApiKey && { security: [{ apiKey: [] }] }),
    ...(parameters && { parameters }),
    ...(body && { requestBody: { required: body.isRequired, content: body.content } }),
    responses: { ...answers, ...Object.fromEntries(errors.map((status) => [status, REFUSAL])) },
  }
}

function json(name: string): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } }
}

function header(description: string): Json {
  return { description, schema: { type: 'string' } }
}

const COMMON_REFUSALS = [401, 403, 429, 500]
const REFUSAL = { description: 'Refused; `error.code` says why.', content: json('Error') }
const TEXT = { schema: { type: 'string' } }
const FRAGMENT = { 'application/trickle-ice-sdpfrag': TEXT }
const CALL_ID = {
  name: 'call_id',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: '^rtc_[A-Za-z0-9_-]{22}$' },
}
const ETAG = header("The call's ICE session.")

const CLIENT_SECRET = {
  type: 'object',
  required: ['value', 'expires_at', 'session'],
  properties: {
    value: { type: 'string', pattern: '^ek_', description: 'The ephemeral key.' },
    expires_at: { type: 'integer', description: 'Seconds since 1970.' },
    session: { type: 'object', additionalProperties: true },
  },
}

const CALL = {
  allOf: [
    {
      type: 'object',
      required: ['object', 'id'],
      properties: { object: { const: 'realtime.call' }, id: { type: 'string' } },
    },
    schemaOf(callDescriptionSchema),
  ],
}

const PATHS: Json = {
  '/v1/realtime/client_secrets': {
    post: operation({
      summary: 'Mints an ephemeral key for a browser',
      onlyApiKey: true,
      body: { isRequired: false, content: json('ClientSecretRequest') },
      answers: { 200: { description: 'The key.', content: json('ClientSecret') } },
      refusals: [400, 413, 415],
    }),
  },
  '/v1/realtime/calls': {
    get: {
      summary: 'Tells that the endpoint is there (RFC 9725)',
      security: [],
      responses: { 204: { description: 'It is.' } },
    },
    post: operation({
      summary: 'Turns an SDP offer into a call',
      body: {
        isRequired: true,
        content: {
          'application/sdp': TEXT,
          'multipart/form-data': {
            schema: {
              type: 'object',
              required: ['sdp'],
              properties: {
                sdp: { type: 'string' },
                session: { type: 'object', additionalProperties: true },
              },
            },
          },
        },
      },
      answers: {
        201: {
          description: 'The SDP answer.',
          headers: {
            Location: header('The call; its last segment is the call id.'),
            ETag: ETAG,
            'Firsthop-Relay': header('The relays in the answer, the first choice first.'),
            'Firsthop-Region': header('Their regions.'),
            'Server-Timing': header('Where the time went.'),
          },
          content: { 'application/sdp': TEXT },
        },
      },
      refusals: [400, 413, 415, 503],
    }),
  },
  '/v1/realtime/calls/{call_id}': {
    parameters: [CALL_ID],
    get: operation({
      summary: 'Says how a call is',
      answers: { 200: { description: 'The call.', headers: { ETag: ETAG }, content: json('Call') } },
      refusals: [404, 503],
    }),
    patch: operation({
      summary: 'Trickles candidates, or restarts ICE (RFC 9725 section 4.3)',
      parameters: [{ name: 'If-Match', in: 'header', required: true, schema: { type: 'string' } }],
      body: { isRequired: true, content: FRAGMENT },
      answers: {
        200: { description: "The server's fragment.", headers: { ETag: ETAG }, content: FRAGMENT },
        204: { description: 'The candidates are taken.' },
      },
      refusals: [400, 404, 412, 413, 415, 422, 428, 503],
    }),
    delete: operation({
      summary: 'Ends a call (RFC 9725)',
      answers: { 200: { description: 'It has ended.' } },
      refusals: [404, 503],
    }),
  },
  '/v1/realtime/calls/{call_id}/hangup': {
    parameters: [CALL_ID],
    post: operation({
      summary: 'Ends a call',
      answers: { 200: { description: 'It has ended.' } },
      refusals: [404, 503],
    }),
  },
  '/v1/realtime': {
    get: operation({
      summary: 'Joins a call as its sideband: a WebSocket of Realtime events, both ways',
      onlyApiKey: true,
      parameters: [{ ...CALL_ID, in: 'query' }],
      answers: { 101: { description: 'A WebSocket.' } },
      refusals: [400, 404, 426, 503],
    }),
  },
  '/healthz': {
    get: {
      summary: 'Tells that the Worker runs',
      security: [],
      responses: { 200: { description: 'It does.' } },
    },
  },
  '/readyz': {
    get: {
      summary: 'Tells whether there is a fleet',
      security: [],
      responses: { 200: { description: 'There is.' }, 503: { description: 'There is none.' } },
    },
  },
}
