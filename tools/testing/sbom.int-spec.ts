import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { copyOfRepository, root } from './nx.js';

interface Component {
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly licenses: [{ readonly license?: { readonly id: string }; readonly expression?: string }];
  readonly hashes: [{ readonly content: string }];
}

interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Lock {
  readonly packages: Readonly<Record<string, { version: string; license: string; integrity: string; dev?: true }>>;
}

const SCHEMAS = 'node_modules/@cyclonedx/cyclonedx-library/res/schema';
const PACKAGE = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//;

const json = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

function validate(document: unknown): unknown {
  const ajv = new Ajv({ strict: false, formats: { 'idn-email': true, 'iri-reference': true } });
  formats.default(ajv);
  for (const file of ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json'])
    ajv.addSchema(json(`${SCHEMAS}/${file}`) as object, `http://cyclonedx.org/schema/${file}`);
  ajv.validate(json(`${SCHEMAS}/bom-1.6.SNAPSHOT.schema.json`) as object, document);
  return ajv.errors;
}

/** The packages that an image holds, as paths in the lock file: in the program by esbuild's comments, and beside it. */
function packagesIn(folder: string): string[] {
  const comments = [...readFileSync(join(folder, 'main.js'), 'utf8').matchAll(/^\/\/ .*?(node_modules\/.*)$/gm)];
  const files = readdirSync(folder, { recursive: true }).map(String);
  return [
    ...comments.map(([, file = '']) => file),
    ...files.filter((file) => /(^|\/)node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/.test(file)),
  ].flatMap((file) => PACKAGE.exec(file)?.[1] ?? []);
}

describe.each(['api', 'worker'])('the bill of materials in the image of %s', (app) => {
  const copy = copyOfRepository({});
  afterAll(copy.remove);
  const build = (): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, ['tools/build/build.mjs', app, '--image'], { cwd: copy.folder, encoding: 'utf8' });
  const folder = join(copy.folder, 'dist/images', app);
  const text = (): string => readFileSync(join(folder, 'sbom.cdx.json'), 'utf8');
  const bom = (): Bom => JSON.parse(text()) as Bom;
  beforeAll(() => expect(build()).toMatchObject({ status: 0, stderr: '' }));

  it('has every package that is in the image, as the lock file knows it, and no other', () => {
    const { packages } = json('package-lock.json') as Lock;
    const held = packagesIn(folder).map((path) => {
      const { version, license, integrity } = packages[path] ?? {};
      return `${path.slice(path.lastIndexOf('node_modules/') + 13)} ${version} ${license} ${integrity}`;
    });
    const listed = bom().components.map(({ group, name, version, licenses: [licence], hashes: [hash] }) => {
      const integrity = `sha512-${Buffer.from(hash.content, 'hex').toString('base64')}`;
      const known = licence.license?.id ?? licence.expression;
      return `${group === undefined ? name : `${group}/${name}`} ${version} ${known} ${integrity}`;
    });

    expect(listed.length).toBeGreaterThan(80);
    expect([...listed].sort()).toEqual([...new Set(held)].sort());
  });

  it('has none that is for development only', () => {
    const { packages } = json('package-lock.json') as Lock;
    expect(packagesIn(folder).filter((path) => packages[path]?.dev === true)).toEqual([]);
  });

  it('is CycloneDX 1.6, which other programs read', () => {
    expect(validate(bom())).toBeNull();
    expect(validate({ ...bom(), components: [{ name: 'of no type' }] })).not.toBeNull();
  });

  it('says who needs whom, so that each package is there for a reason', () => {
    const { metadata, components, dependencies } = bom();
    const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const reached = new Set([metadata.component['bom-ref']]);
    for (const ref of reached) for (const needed of needs.get(ref) ?? []) reached.add(needed);

    expect([...needs.keys()].sort()).toEqual([...components, metadata.component].map((one) => one['bom-ref']).sort());
    expect(components.map((one) => one['bom-ref']).filter((ref) => !reached.has(ref))).toEqual([]);
  });

  it('is the same, byte for byte, when the same is built again', () => {
    const first = text();
    expect(build()).toMatchObject({ status: 0, stderr: '' });
    expect(text()).toBe(first);
  });
});
