// The licences of everything that is bundled, as their authors ask for.
const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** Packages that ship without their licence's text, and who of the same authors has it. */
const TEXT_OF = { '@xterm/addon-serialize': '@xterm/xterm', '@xterm/headless': '@xterm/xterm' };

/** `inputs`: the files that esbuild bundled. `more`: packages that ship unbundled. */
function writeNotices(root, file, inputs, more) {
  const names = new Set(more);
  for (const input of inputs) {
    const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found !== null)
      names.add(found[0].slice(found[0].indexOf('node_modules/') + 'node_modules/'.length, -1));
  }
  writeFileSync(file, noticesOf(root, [...names]));
}

/** @throws Error for a package without a licence and its text */
function noticesOf(root, names) {
  const parts = [...names].sort().map((name) => notice(root, join(root, 'node_modules', name)));
  return `Codex Bridge contains the following software of others.\n\n${parts.join('\n')}`;
}

function notice(root, folder) {
  const { name, version, license, homepage } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const source = TEXT_OF[name] === undefined ? folder : join(root, 'node_modules', TEXT_OF[name]);
  const texts = readdirSync(source).filter((entry) => /^(licen[cs]e|notice|copying)/i.test(entry));
  if (license === undefined || texts.length === 0) throw new Error(`${name} tells no licence`);
  const text = texts.map((entry) => readFileSync(join(source, entry), 'utf8').trim()).join('\n\n');
  const line = '-'.repeat(80);
  return `${line}\n${name} ${version} (${license})${homepage ? `\n${homepage}` : ''}\n${line}\n\n${text}\n`;
}

module.exports = { noticesOf, writeNotices };
