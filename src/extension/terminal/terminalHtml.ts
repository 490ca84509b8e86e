import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { webviewTexts } from '../webviewTexts.ts';

/** Where the document's parts are, for `localResourceRoots`. */
export function terminalRoot(extension: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extension, 'dist', 'webview');
}

/**
 * The terminal's document. Unlike the chat's it allows inline styles, which xterm.js writes for its colours;
 * nothing of a transcript is ever in it, and scripts are our own bundle only.
 */
export function terminalHtml(webview: vscode.Webview, extension: vscode.Uri, session: string): string {
  const at = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(terminalRoot(extension), file));
  const { language, element } = webviewTexts(vscode.env.language, vscode.l10n.bundle);
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'unsafe-inline'`,
    `font-src ${webview.cspSource}`,
    "form-action 'none'",
    "base-uri 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at('terminal.css')}">
<title>Codex terminal</title>
</head>
<body>
<div id="root" data-session="${session.replaceAll(/[^\w-]/g, '')}"></div>
${element}
<script nonce="${nonce}" src="${at('terminal.js')}"></script>
</body>
</html>`;
}
