import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleOf, findTexts, textsOf } from '../../scripts/lib/l10nStrings.mjs';
import { webviewTexts } from '../../src/extension/webviewTexts.ts';
import { errorText, shownError } from '../../src/shared/errorSentences.ts';
import { BridgeError, ERROR_CODES, toErrorInfo } from '../../src/shared/errors.ts';
import { english, localeOf, translator } from '../../src/shared/l10n.ts';
import { rich, t } from '../../webview-ui/l10n.ts';

const bundleFile = new URL('../../l10n/bundle.l10n.json', import.meta.url);

describe('the bundle of texts', () => {
  const { messages, faults } = findTexts();

  it('has every text of the sources, and no other (`npm run l10n` writes it)', () => {
    expect(readFileSync(bundleFile, 'utf8')).toBe(bundleOf(messages));
  });

  it('is asked for every text that is shown', () => {
    expect(faults.map(({ file, line, message }) => `${file}:${line}: ${message}`)).toEqual([]);
  });

  it('has what each error code says', () => {
    const bundle: Record<string, string> = JSON.parse(readFileSync(bundleFile, 'utf8'));
    const marked = translator(Object.fromEntries(Object.keys(bundle).map((key) => [key, `[${key}]`])));
    for (const code of ERROR_CODES) {
      expect(shownError({ code, message: 'Detail.' }, marked)).toEqual({
        text: expect.stringMatching(/^\[.+\]$/s),
        detail: 'Detail.',
      });
    }
  });
});

describe('texts in the sources', () => {
  const faultsOf = (source: string, file = 'view.tsx') =>
    textsOf(source, file).faults.map(({ message }) => message);

  it('are found where they are translated, in views and in the host', () => {
    const source = `const a = vscode.l10n.t('Host {0}', 1); const b = <p title={t('Title')}>{rich('In {0}', <i />)}</p>;`;
    expect(textsOf(source, 'view.tsx').messages.map(({ message }) => message)).toEqual([
      'Host {0}',
      'Title',
      'In {0}',
    ]);
    expect(faultsOf(source)).toEqual([]);
  });

  it.each([
    ['an element', 'const a = <p>Some words</p>;', 'Some words'],
    ['an expression of an element', "const a = <p>{b ? 'Yes' : c}</p>;", 'Yes'],
    ['a label', 'const a = <button aria-label="Close" />;', 'Close'],
    ['a template', 'const a = <a title={`Open ' + '$' + '{b}`} />;', 'Open '],
    ['a table of labels', "const a = { label: 'Chat' };", 'Chat'],
    ['the document', "button.textContent = 'Find';", 'Find'],
    ["VS Code's messages", "window.showErrorMessage('No folder');", 'No folder'],
  ])('are missed in %s', (_where, source, text) => {
    expect(faultsOf(source)).toEqual([text]);
  });

  it('have to be literals with as many arguments as places', () => {
    expect(faultsOf('t(message)', 'a.ts')).toHaveLength(1);
    expect(faultsOf("t('{0} of {1}', 2)", 'a.ts')).toHaveLength(1);
  });

  it('are not names, code or icons', () => {
    expect(
      faultsOf(`const a = <p class="muted">{kind === 'image' && <Icon name="file" />} Codex</p>;`),
    ).toEqual([]);
  });
});

describe('a translation', () => {
  const german = translator({ '{0} of {1}': '{1}, davon {0}', Undo: 'Zurück' });

  it('puts arguments where its own language has them', () => {
    expect(german('{0} of {1}', 2, 'x{0}')).toBe('x{0}, davon 2');
    expect(german('Undo')).toBe('Zurück');
  });

  it('is English where there is none', () => {
    expect(german('Redo {0}', 3)).toBe('Redo 3');
    expect(english('{0}{1}', 'a')).toBe('a{1}');
    expect(translator({})('constructor')).toBe('constructor');
  });

  it('keeps elements in their places', () => {
    const element = { b: 1 };
    expect(rich('in {0} of {1}.', element, 'x')).toEqual(['in ', element, ' of ', 'x', '.']);
  });

  it('writes numbers as the language does', () => {
    expect(t('{0} tokens', 12_345)).toBe('12,345 tokens');
    expect(localeOf('de', ['en-US', 'de-CH'])).toBe('de-CH');
    expect(localeOf('pt-br', ['pt-PT'])).toBe('pt-PT');
    expect(localeOf('fr', ['en-US'])).toBe('fr');
    expect(localeOf('', [])).toBe('en');
    expect(localeOf('no such tag', [])).toBe('en');
  });
});

describe("a webview's document", () => {
  it('has the texts as data that nothing in them can end', () => {
    const bundle = { '</script><img src=x onerror=alert(1)>': '<!--' };
    const { language, element } = webviewTexts('de"><script>', bundle);
    expect(language).toBe('descript');
    const json = /^<script type="application\/json" id="l10n">([^<]*)<\/script>$/.exec(element)?.[1] ?? '';
    expect(JSON.parse(json)).toEqual(bundle);
  });

  it('says that it is English where VS Code has no texts for its language', () => {
    expect(webviewTexts('de', undefined)).toEqual({ language: 'en', element: '' });
  });
});

describe('an error', () => {
  const german = translator({ 'The prompt has no text. Write one.': 'Der Prompt ist leer. Schreib einen.' });
  const error = { code: 'PROMPT_EMPTY', message: 'Say something.' } as const;

  it('is told by its code in the language of VS Code, with its own words beside it', () => {
    expect(shownError(error, german)).toEqual({
      text: 'Der Prompt ist leer. Schreib einen.',
      detail: 'Say something.',
    });
    expect(errorText(error, german)).toBe('Der Prompt ist leer. Schreib einen. (Say something.)');
  });

  it('is told in its own words where there is no translation, or no such code here', () => {
    expect(errorText(error, english)).toBe('Say something.');
    expect(errorText({ ...error, code: 'OF_A_NEWER_BRIDGE' }, german)).toBe('Say something.');
    expect(errorText({ ...error, code: 'toString' }, german)).toBe('Say something.');
  });

  it('that the extension has translated is told as it is, also when it has come over a line', () => {
    const thrown = new BridgeError('PROMPT_EMPTY', 'Nichts geschrieben.', { translated: true });
    const received = BridgeError.from(JSON.parse(JSON.stringify(toErrorInfo(thrown))));
    expect(errorText(toErrorInfo(received), german)).toBe('Nichts geschrieben.');
  });
});
