// The texts that people read, found in the sources: for l10n/bundle.l10n.json, and for what was forgotten.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
// The parser that the tests' own tools bring.
import { parseAst } from 'vitest/node';
import { root } from './paths.mjs';

/** Where there are texts for VS Code: the bridge and the CLI speak English. */
const FOLDERS = ['src/extension', 'src/shared', 'webview-ui'];
/** Attributes, and properties of our own components, that are read. */
const READ = ['title', 'label', 'text', 'empty', 'alt', 'placeholder', 'ariaLabel', 'textContent'];
const READ_ARIA = /^aria-(label|description|valuetext|roledescription|placeholder)$/;
/** Calls of VS Code's that show their argument. */
const SHOWING = /^show(Information|Warning|Error)Message$|^(markdown|progress|appendText)$/;
/** The same in every language. */
const NAMES = /\b(Codex( Bridge)?|Claude Code|MCP|Markdown|JSON|ChatGPT|VS Code)\b|\$\([\w~-]+\)/g;
const LETTERS = /\p{L}{2,}/u;

/**
 * @typedef {{message: string, file: string, line: number}} Found
 * @returns {{messages: Found[], faults: Found[]}} texts that can be translated, and where one can't be
 */
export function findTexts() {
  const found = { messages: [], faults: [] };
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.tsx?$/.test(path) || path.endsWith('.d.ts')) continue;
      const file = relative(root, path).replaceAll('\\', '/');
      const texts = textsOf(readFileSync(path, 'utf8'), file);
      found.messages.push(...texts.messages);
      found.faults.push(...texts.faults);
    }
  }
  return found;
}

/** The bundle that translators start from: English by English, in the order of the alphabet. */
export function bundleOf(messages) {
  const sorted = [...new Set(messages.map(({ message }) => message))].sort();
  return `${JSON.stringify(Object.fromEntries(sorted.map((message) => [message, message])), undefined, 2)}\n`;
}

/** The same for one file. */
export function textsOf(source, file) {
  const messages = [];
  const faults = [];
  const at = (node) => source.slice(0, node.start).split('\n').length;
  const fault = (node, message) => faults.push({ message, file, line: at(node) });

  const visit = (node, shown) => {
    if (node.type === 'CallExpression' && isTranslation(node.callee)) {
      const [message, ...args] = node.arguments;
      if (message?.type !== 'Literal' || typeof message.value !== 'string') {
        fault(node, 'the text is no literal, so it is not found for translation');
      } else {
        messages.push({ message: message.value, file, line: at(node) });
        const wanted = new Set(message.value.match(/\{\d+\}/g));
        if (wanted.size !== args.length) fault(node, `${wanted.size} placeholders, ${args.length} arguments`);
      }
      // What is put in is somebody's own, or has been translated.
      for (const arg of args) visit(arg, false);
      return;
    }
    if (shown && isText(node)) fault(node, textIn(node));
    for (const [child, childShown] of childrenOf(node, shown)) visit(child, childShown);
  };
  visit(parseAst(source, { lang: extname(file).slice(1) }), false);
  return { messages, faults };
}

/** `t(…)`, `rich(…)`, `vscode.l10n.t(…)` */
function isTranslation(callee) {
  if (callee.type === 'Identifier') return callee.name === 't' || callee.name === 'rich';
  return callee.type === 'MemberExpression' && callee.property.name === 't';
}

function isText(node) {
  return LETTERS.test(textIn(node).replaceAll(NAMES, ''));
}

function textIn(node) {
  if (node.type === 'JSXText') return node.value.trim();
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : '';
  return node.type === 'TemplateElement' ? node.value.cooked : '';
}

/** What a node is made of, each with whether a text in it would be shown. */
function childrenOf(node, shown) {
  switch (node.type) {
    case 'JSXElement':
    case 'JSXFragment':
      return [
        ...(node.openingElement?.attributes ?? []).map((child) => [child, false]),
        // Code, and what a person or Codex wrote, has no words of ours.
        ...node.children.map((child) => [child, true]),
      ];
    case 'JSXAttribute': {
      const name = node.name.name;
      const read = READ.includes(name) || READ_ARIA.test(name);
      return node.value === null ? [] : [[node.value, read]];
    }
    case 'AssignmentExpression':
      return [[node.right, READ.includes(node.left.property?.name)]];
    case 'Property':
      return [[node.value, !node.computed && node.key.name === 'label']];
    case 'CallExpression':
      return [[node.callee, false], ...node.arguments.map((child, place) => [child, isShowing(node, place)])];
    case 'ConditionalExpression':
      return [
        [node.test, false],
        [node.consequent, shown],
        [node.alternate, shown],
      ];
    case 'LogicalExpression':
      return [
        [node.left, shown && node.operator !== '&&'],
        [node.right, shown],
      ];
    case 'TemplateLiteral':
      return [...node.quasis, ...node.expressions].map((child) => [child, shown]);
    case 'JSXExpressionContainer':
    case 'TSAsExpression':
      return [[node.expression, shown]];
    default:
      return nodesIn(node).map((child) => [child, false]);
  }
}

function isShowing({ callee, arguments: args }, place) {
  const name = callee.property?.name ?? callee.name;
  if (name === 'setAttribute') return place === 1 && READ_ARIA.test(args[0].value);
  if (name === 'textButton') return place === 0;
  if (name === 'iconButton') return place === 1;
  return SHOWING.test(name ?? '');
}

function nodesIn(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string');
}
