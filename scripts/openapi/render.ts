/** The two files that the document becomes: one for programs, one for people. */

import { buildDocument } from './document.ts'
import { writePage } from './page.ts'

/** Where the document is served from. */
export const DOCUMENT_FILE = new URL('../../workers/public/openapi.json', import.meta.url)

/** Where the page is served from. */
export const API_PAGE_FILE = new URL('../../workers/public/api.html', import.meta.url)

/** Returns what both files hold. */
export function renderFiles(): { readonly document: string; readonly page: string } {
  const document = buildDocument()
  return { document: `${JSON.stringify(document, undefined, 2)}\n`, page: writePage(document) }
}
