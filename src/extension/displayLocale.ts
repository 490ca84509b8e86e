import * as vscode from 'vscode';
import { localeOf } from '../shared/l10n.ts';

/** For times and numbers among texts in the language that VS Code is shown in. */
export function displayLocale(): string {
  return localeOf(vscode.env.language, [Intl.DateTimeFormat().resolvedOptions().locale]);
}
