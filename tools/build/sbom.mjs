/**
 * The software bill of materials of an image: a CycloneDX 1.6 document of the npm packages that are in it, made from package-lock.json alone.
 * The same packages give the same bytes: no time, no random number. What the base image holds (Node.js, Debian) is not in it.
 */

const SPEC = '1.6';

/** Where the lock file puts the package that `from` (a path in it) means by `name`: the nearest node_modules going up. */
export function locate(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return null;
  }
}

/** The package (a path in the lock file) that a file belongs to, or null for one of our own. */
export const packageOf = (file) =>
  /(?:^|\/)(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? null;

/**
 * @param {string} app `api` or `worker`
 * @param {Record<string, object>} packages of the lock file
 * @param {Iterable<string>} paths the packages in the image, as paths in the lock file
 * @returns {string} the document
 * @throws Error when a package is not in the lock file, or lacks what identifies it
 */
export function sbomOf(app, packages, paths) {
  const own = packages[''];
  const inImage = new Set(paths);
  const root = { 'bom-ref': `edgechat-${app}`, type: 'application', name: `edgechat-${app}`, version: own.version };
  const components = new Map();
  const needs = new Map([[root['bom-ref'], needsOf(packages, '', inImage)]]);
  for (const path of inImage) {
    const component = componentOf(packages, path);
    const ref = component['bom-ref'];
    components.set(ref, component);
    needs.set(ref, [...(needs.get(ref) ?? []), ...needsOf(packages, path, inImage)]);
  }
  const document = {
    $schema: `http://cyclonedx.org/schema/bom-${SPEC}.schema.json`,
    bomFormat: 'CycloneDX',
    specVersion: SPEC,
    version: 1,
    metadata: { component: { ...root, licenses: licensesOf(own.license) } },
    components: [...components.values()].sort(byRef((component) => component['bom-ref'])),
    dependencies: [...needs]
      .map(([ref, dependsOn]) => ({ ref, dependsOn: [...new Set(dependsOn)].sort() }))
      .sort(byRef(({ ref }) => ref)),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function componentOf(packages, path) {
  const { version, integrity, license } = packages[path] ?? {};
  const hash = /^sha512-([A-Za-z0-9+/]+=*)$/.exec(integrity ?? '')?.[1];
  if (version === undefined || license === undefined || hash === undefined)
    throw new Error(`package-lock.json does not say what ${path} is: version, license and a SHA-512 are needed`);
  return {
    'bom-ref': purlOf(packages, path),
    type: 'library',
    ...nameAndGroup(nameOf(packages, path)),
    version,
    hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }],
    licenses: licensesOf(license),
    purl: purlOf(packages, path),
  };
}

/** What a package needs of what is in the image; what it asks for and does without is not named. */
function needsOf(packages, path, inImage) {
  const { dependencies, optionalDependencies, peerDependencies } = packages[path];
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
    .map((name) => locate(packages, path, name))
    .filter((needed) => needed !== null && inImage.has(needed))
    .map((needed) => purlOf(packages, needed));
}

/** (Under another name than its own the lock file says which package it is.) */
const nameOf = (packages, path) =>
  packages[path].name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

const nameAndGroup = (name) => {
  const [last, group] = name.split('/').reverse();
  return group === undefined ? { name } : { group, name: last };
};

const purlOf = (packages, path) =>
  `pkg:npm/${nameOf(packages, path).replace('@', '%40')}@${encodeURIComponent(packages[path].version)}`;

/** One licence by its SPDX name, several as the expression that the package gives. */
const licensesOf = (license) => [/[\s()]/.test(license) ? { expression: license } : { license: { id: license } }];

const byRef = (refOf) => (one, other) => (refOf(one) < refOf(other) ? -1 : 1);
