import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { webviewTexts } from './webviewTexts.ts';

/**
 * The document of the chat, or of a session panel: nothing is loaded but our own bundle, and no inline script or
 * style runs.
 */
export function chatHtml(
  webview: vscode.Webview,
  extension: vscode.Uri,
  bundle: 'chat' | 'panel' = 'chat',
): string {
  const at = (...path: string[]) =>
    webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', ...path));
  const { language, element } = webviewTexts(vscode.env.language, vscode.l10n.bundle);
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    // The images that the person pasted; an answer's own can't be there, markdown.ts takes them out.
    'img-src data:',
    "form-action 'none'",
    "base-uri 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at(`${bundle}.css`)}">
<title>Codex Bridge</title>
</head>
<body>
<div id="root"></div>
${element}
<script nonce="${nonce}" src="${at(`${bundle}.js`)}"></script>
</body>
</html>`;
}
