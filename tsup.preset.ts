import { defineConfig } from 'tsup'

/** Every package is built alike: ESM and CJS side by side, types for both; dependencies and peers stay outside. */
export const packageBuild = (entry: Record<string, string>) =>
  defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: process.env.DINRAIL_BUILD === 'code' ? false : { compilerOptions: { ignoreDeprecations: '6.0', paths: {} } },
    target: 'node20',
    platform: 'neutral',
    splitting: true,
    sourcemap: true,
    clean: true,
    treeshake: true,
    silent: true,
  })
