import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { defineConfig } from 'vite';

const outDir = join(import.meta.dirname, 'dist');

export default defineConfig({
  // There is no page yet, so Vite's own `client` environment is left out.
  builder: {
    async buildApp(builder) {
      const { programs } = builder.environments;
      if (programs === undefined) throw new Error('the environment "programs" is missing');
      await builder.build(programs);
      await chmod(join(outDir, 'cli.js'), 0o755);
    },
  },
  environments: {
    /** Programs that run on Node: bundled whole, so that an installed one needs no other package. */
    programs: {
      consumer: 'server',
      resolve: { noExternal: true },
      build: {
        ssr: true,
        outDir,
        emptyOutDir: true,
        sourcemap: true,
        target: 'node24',
        rolldownOptions: {
          input: { cli: 'main/headless/cli.ts' },
          output: {
            format: 'es',
            entryFileNames: '[name].js',
            banner: ({ name }) => (name === 'cli' ? '#!/usr/bin/env node' : ''),
          },
        },
      },
    },
  },
});
