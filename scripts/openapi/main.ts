/** `npm run openapi`: writes workers/public/openapi.json and the API page beside it. A test keeps both true. */

import { writeFileSync } from 'node:fs'
import { API_PAGE_FILE, DOCUMENT_FILE, renderFiles } from './render.ts'

const { document, page } = renderFiles()
writeFileSync(DOCUMENT_FILE, document)
writeFileSync(API_PAGE_FILE, page)
