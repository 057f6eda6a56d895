import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

// Time limits are there to end a hang, not to measure: they are far above what a slow machine needs.
const limits = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    reporters: ['default', './test/closing-line.ts'],
    projects: [
      {
        test: {
          ...limits,
          name: 'unit',
          environment: 'node',
          include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './test/worker/wrangler.toml' } })],
        test: {
          ...limits,
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          globalSetup: ['./test/worker/provider.setup.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...limits,
          name: 'journey',
          environment: 'node',
          include: ['test/journey/**/*.test.ts'],
          testTimeout: 60_000,
          // Each file starts a Worker, a provider and a browser: one after another, and after the rest
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
