// Writes l10n/bundle.l10n.json, the texts to translate, from the sources.
//   npm run l10n
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleOf, findTexts } from './lib/l10nStrings.mjs';
import { root } from './lib/paths.mjs';

const { messages, faults } = findTexts();
for (const { message, file, line } of faults) console.error(`${file}:${line}: not translated: ${message}`);
if (faults.length > 0) process.exitCode = 1;
mkdirSync(join(root, 'l10n'), { recursive: true });
writeFileSync(join(root, 'l10n/bundle.l10n.json'), bundleOf(messages));
