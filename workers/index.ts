/** The Worker's entry: what the runtime calls. */

import { createApp } from './app.ts'

export default createApp()
