/** What `npm run check` and the first suite of `npm test` do before the tests: name, command, arguments. */
export const staticChecks = [
  ['types of the app-server protocol', 'node', ['scripts/generate.mjs']],
  ['format, lint and layer rule', 'biome', ['check', '--error-on-warnings', '.']],
  ['types, layer by layer', 'tsc', ['-b']],
];
