import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createApp } from '../../workers/app.ts'
import { buildDocument } from './document.ts'
import { API_PAGE_FILE, DOCUMENT_FILE, renderFiles } from './render.ts'

type Operations = Readonly<Record<string, { readonly responses?: object }>>
const paths = buildDocument()['paths'] as Readonly<Record<string, Operations>>

describe('openapi.json', () => {
  test('and the page are what the schemas make of them: npm run openapi', () => {
    const { document, page } = renderFiles()
    expect(readFileSync(DOCUMENT_FILE, 'utf8')).toBe(document)
    expect(readFileSync(API_PAGE_FILE, 'utf8')).toBe(page)
  })

  test('has exactly the routes that the Worker has', () => {
    const served = createApp()
      .routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
      .map(({ method, path }) => `${method} ${path.replace(':callId', '{call_id}')}`)
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, operation]) => operation.responses !== undefined)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    expect(documented.toSorted()).toEqual([...new Set(served)].toSorted())
  })

  test('refers to nothing that it does not have', () => {
    const text = JSON.stringify(buildDocument())
    const schemas = (buildDocument()['components'] as { schemas: object }).schemas
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name ?? '')
    expect(names.filter((name) => !(name in schemas))).toEqual([])
  })

  test('says what a request for a client secret may hold', () => {
    const { schemas } = buildDocument()['components'] as { schemas: Readonly<Record<string, unknown>> }
    expect(schemas['ClientSecretRequest']).toMatchObject({
      properties: {
        expires_after: { properties: { seconds: { minimum: 10, maximum: 7_200, default: 600 } } },
        session: { type: 'object' },
      },
    })
  })
})
