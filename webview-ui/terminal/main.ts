import '@vscode/codicons/dist/codicon.css';
import '@xterm/xterm/css/xterm.css';
import './terminal.css';
import { errorText } from '../../src/shared/errorSentences.ts';
import { BridgeError, toErrorInfo } from '../../src/shared/errors.ts';
import { t } from '../l10n.ts';
import { Bar, textButton } from './bar.ts';
import { FindBar } from './findBar.ts';
import { hostLine } from './hostLine.ts';
import { TerminalView } from './terminalView.ts';

const root = document.getElementById('root');
if (root === null) throw new Error('the document has no #root');
const { host, keepTab } = hostLine(root.dataset['session'] ?? '');
keepTab('terminal');

const bar = new Bar({
  onTab: (tab) => {
    keepTab(tab);
    ask(host.request('tab', { tab }));
  },
  onFind: () => find?.open(),
  onIntegrated: () => ask(host.request('integrated', {})),
  onRestart: () => void open('restart'),
});
const place = document.createElement('main');
const notice = document.createElement('div');
notice.className = 'notice';
notice.setAttribute('role', 'status');
notice.hidden = true;
const hint = document.createElement('p');
hint.className = 'letterbox';
hint.hidden = true;
hint.textContent = t('Another viewer sets the size. Click into the terminal to fit it here.');

let view: TerminalView | undefined;
let find: FindBar | undefined;
start().catch(say);

async function start(): Promise<void> {
  const look = await host.request('ready', {});
  bar.show(look);
  root?.append(bar.element, place, hint, notice);
  const shown = new TerminalView({
    host,
    look,
    place,
    onFind: () => find?.open(),
    onLeave: () => bar.focus(),
    onLetterbox: (letterboxed) => {
      hint.hidden = !letterboxed;
      place.classList.toggle('letterboxed', letterboxed);
    },
    onError: say,
  });
  view = shown;
  find = new FindBar(shown.search, () => shown.focus());
  place.before(find.element);
  host.on('look', (changed) => bar.show(changed));
  host.on('focus', () => shown.focus());
  // VS Code gives the keyboard to the document, not to anything in it.
  window.addEventListener('focus', () => {
    if (document.activeElement === document.body) shown.focus();
  });
  host.on('lost', (error) => show(errorText(error, t)));
  host.on('back', () => void open('open'));
  host.on('exited', ({ exitCode }) => {
    show(
      exitCode === 0
        ? t('The terminal has ended.')
        : t('The terminal has ended with exit code {0}.', String(exitCode)),
      textButton(t('Start Again'), () => void open('open')),
    );
    offer();
  });
  await open('open');
}

async function open(how: 'open' | 'restart'): Promise<void> {
  show(how === 'open' ? t('Opening the terminal…') : t('Restarting the terminal…'));
  try {
    await view?.open(how);
    notice.hidden = true;
    // A window that comes back must not take the keyboard from where the person is meanwhile.
    if (document.hasFocus()) view?.focus();
  } catch (error) {
    // A later call goes on where this one left.
    if (error instanceof BridgeError && error.code === 'CANCELLED') return;
    const again = textButton(t('Try Again'), () => void open('open'));
    const own = textButton(t('Open in Integrated Terminal'), () => ask(host.request('integrated', {})));
    show(errorText(toErrorInfo(error), t), ...(isUnavailable(error) ? [own] : [again]));
    offer();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof BridgeError && error.code === 'TERMINAL_UNAVAILABLE';
}

function ask(request: Promise<null>): void {
  request.catch(say);
}

/** An error that nothing waits for; one about an ended terminal says what the notice says already. */
function say(error: unknown): void {
  const known = error instanceof BridgeError && error.code === 'TERMINAL_NOT_OPEN';
  if (!known || notice.hidden)
    show(
      errorText(toErrorInfo(error), t),
      textButton(t('Try Again'), () => void open('open')),
    );
}

/** Where there is no terminal to type in, the keyboard goes to what can be done instead. */
function offer(): void {
  const idle = view?.focused === true || document.activeElement === document.body;
  if (document.hasFocus() && idle) notice.querySelector('button')?.focus();
}

function show(text: string, ...buttons: HTMLElement[]): void {
  const line = document.createElement('span');
  line.textContent = text;
  notice.replaceChildren(line, ...buttons);
  notice.hidden = false;
}
