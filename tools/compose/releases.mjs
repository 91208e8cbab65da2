import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './checks.mjs';
import { buildImage } from './docker.mjs';
import { copyOfSources } from './images.mjs';

/** A migration as people write them (CONTRIBUTING.md), with this SQL in it. */
const migration = (name, statements) => `
export class ${name} {
  readonly name = '${name}';
  async up(runner: { query(sql: string): Promise<unknown> }): Promise<void> {
${statements.map((sql) => `    await runner.query(\`${sql}\`);\n`).join('')}  }
  down(): Promise<void> {
    throw new Error('There is no way back.');
  }
}
`;

/** Builds images of a release that has one more migration than this one. */
async function buildWith(version, apps, name, statements) {
  const copy = copyOfSources();
  try {
    const folder = join(copy.folder, 'libs/database/src');
    writeFileSync(join(folder, 'migrations/test.ts'), migration(name, statements));
    const source = readFileSync(join(folder, 'data-source.ts'), 'utf8');
    const changed = source.replace(
      /export const MIGRATIONS = \[([^\]]*)\]/,
      `import { ${name} } from './migrations/test.js';\nexport const MIGRATIONS = [$1, ${name}]`,
    );
    must(changed !== source, 'libs/database/src/data-source.ts has a list of migrations');
    writeFileSync(join(folder, 'data-source.ts'), changed);
    for (const app of apps) await buildImage(app, version, { context: copy.folder });
  } finally {
    copy.remove();
  }
}

/** The release after this one, which adds a column. */
export const buildNext = () =>
  buildWith('next', ['api', 'worker'], 'Added2795478400000', [
    'alter table edgechat.conversations add column added_by_test text',
  ]);

/** A release whose migration fails in the middle. */
export const buildBroken = () =>
  buildWith('broken', ['worker'], 'Broken2795478400001', [
    'create table edgechat.half_done (id int)',
    'select no_such_function()',
  ]);
