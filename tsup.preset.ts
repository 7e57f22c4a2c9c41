import { defineConfig } from 'tsup'

interface PackageBuild {
  /** The package itself, where one of its entries takes from the main one what that gives everybody. */
  readonly outside?: string
  /** Whether what entries share is kept in files of its own, each of which costs an import a millisecond. */
  readonly splitting?: boolean
}

/** Every package is built alike: ESM and CJS side by side, types for both; dependencies and peers stay outside. */
export const packageBuild = (entry: Record<string, string>, { outside, splitting = true }: PackageBuild = {}) => {
  const external = outside === undefined ? [] : [outside]
  // Types come from the sources: the package's own are not built yet.
  const paths = Object.fromEntries(external.map((name) => [name, ['./src/index.ts']]))
  return defineConfig({
    entry,
    external,
    format: ['esm', 'cjs'],
    dts: process.env.DINRAIL_BUILD === 'code' ? false : { compilerOptions: { ignoreDeprecations: '6.0', paths } },
    target: 'node20',
    platform: 'neutral',
    splitting,
    sourcemap: true,
    clean: true,
    treeshake: true,
    silent: true,
  })
}
