import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = fileURLToPath(new URL('./packages', import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@dinrail\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
      { find: /^@dinrail\/([^/]+)\/([^/]+)$/, replacement: `${packages}/$1/src/$2.ts` },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'examples/**/*.test.ts', 'tests/**/*.test.ts'],
    setupFiles: ['tests/texts-match.setup.ts'],
    typecheck: { enabled: false },
    testTimeout: 60_000,
  },
})
