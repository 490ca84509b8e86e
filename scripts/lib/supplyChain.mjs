// What a dependency has to be: an exact version with a checksum from the registry, under a licence that is
// listed here, and without an install script that was not allowed by name.

/** Licences of what ships. Each asks for no more than its text, which THIRD_PARTY_NOTICES has. */
const SHIPPED_LICENCES = [
  'MIT',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '(MPL-2.0 OR Apache-2.0)',
  'PSF-2.0',
  // Of data only: the icons.
  'CC-BY-4.0',
];
/** Licences of what the project is only built and tested with. */
const TOOL_LICENCES = [...SHIPPED_LICENCES, 'MIT OR Apache-2.0', 'MPL-2.0', 'Artistic-2.0', 'BlueOak-1.0.0'];
/** Tools with a licence of their own, which was read. */
const OWN_LICENCE = /^@vscode\/vsce-sign(-[\w-]+)?$/;

const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/**
 * @param {object} manifest package.json
 * @param {object} lock package-lock.json
 * @returns {string[]} what is wrong, a sentence each
 */
export function problemsOf(manifest, lock) {
  const problems = [];
  const packages = lock.packages ?? {};
  for (const kind of ['dependencies', 'devDependencies']) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      if (!EXACT.test(version))
        problems.push(`${name} "${version}" in package.json is not an exact version.`);
      if (packages['']?.[kind]?.[name] !== version || packages[`node_modules/${name}`]?.version !== version)
        problems.push(`${name} is another one in package-lock.json than in package.json.`);
    }
  }
  const allowed = manifest.allowScripts ?? {};
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '') continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    problems.push(...problemsOfPackage(name, entry, allowed));
  }
  return problems;
}

function problemsOfPackage(name, entry, allowed) {
  const problems = [];
  const shipped = entry.dev !== true && entry.devOptional !== true;
  if (!EXACT.test(entry.version ?? '')) problems.push(`${name} has no exact version in package-lock.json.`);
  if (!/^sha512-/.test(entry.integrity ?? '')) problems.push(`${name} has no SHA-512 checksum.`);
  if (entry.link === true || /^(git|file|ssh|http:)/.test(entry.resolved ?? ''))
    problems.push(`${name} does not come from a registry (${entry.resolved}).`);
  const licences = shipped ? SHIPPED_LICENCES : TOOL_LICENCES;
  if (!licences.includes(entry.license) && !(OWN_LICENCE.test(name) && !shipped))
    problems.push(`${name} has the licence ${entry.license}, which is not among the allowed ones.`);
  if (entry.hasInstallScript === true) {
    const decided = allowed[`${name}@${entry.version}`] ?? allowed[name];
    if (decided === undefined)
      problems.push(`${name} has an install script that package.json's allowScripts does not name.`);
    else if (decided && shipped) problems.push(`${name} ships, and its install script may run.`);
  }
  return problems;
}
