// The licences of everything that is bundled, as their authors ask for.
const { existsSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** `inputs`: the files that esbuild bundled. `more`: packages that ship unbundled. */
function writeNotices(root, file, inputs, more) {
  const names = new Set(more);
  for (const input of inputs) {
    const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found !== null)
      names.add(found[0].slice(found[0].indexOf('node_modules/') + 'node_modules/'.length, -1));
  }
  const parts = [...names].sort().map((name) => notice(join(root, 'node_modules', name)));
  writeFileSync(file, `Codex Bridge contains the following software of others.\n\n${parts.join('\n')}`);
}

function notice(folder) {
  const { name, version, license, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder).filter((entry) => /^(licen[cs]e|notice|copying)/i.test(entry));
  if (texts.length === 0 && !existsSync(join(folder, 'README.md')))
    throw new Error(`${name} tells no licence`);
  const text = texts.map((entry) => readFileSync(join(folder, entry), 'utf8').trim()).join('\n\n');
  const line = '-'.repeat(80);
  return `${line}\n${name} ${version} (${license ?? 'see below'})${homepage ? `\n${homepage}` : ''}\n${line}\n\n${text}\n`;
}

module.exports = { writeNotices };
